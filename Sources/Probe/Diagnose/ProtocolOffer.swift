// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// Whether a server speaks a version of HTTP.
public struct ProtocolOffer: Encodable, Sendable, Hashable {
    public enum Name: String, Encodable, Sendable, CaseIterable {
        case http1 = "http/1.1"
        /// HTTP/2 by prior knowledge, in cleartext (RFC 9113 section 3.3).
        case h2c
        /// HTTP/2 by ALPN (RFC 9113 section 3.2).
        case h2
    }

    public let name: Name
    /// Nil: not tried, or no answer.
    public let isOffered: Bool?
    public let detail: String

    public init(_ name: Name, _ isOffered: Bool?, _ detail: String) {
        self.name = name
        self.isOffered = isOffered
        self.detail = detail
    }

    /// Connects and speaks HTTP/2's preface, or negotiates; no request is made.
    static func tryHTTP2(_ client: HTTPClient, _ target: HTTPTarget, on eventLoop: any EventLoop) async -> ProtocolOffer
    {
        let name = target.scheme == .https ? Name.h2 : .h2c
        do throws(HTTPClientError) {
            let connection = try await client.connect(to: target, on: eventLoop)
            connection.close()
            return ProtocolOffer(name, true, name == .h2 ? "negotiated by ALPN" : "answered by SETTINGS")
        } catch .cancelled {
            return ProtocolOffer(name, nil, "the measurement ended before an answer")
        } catch {
            return ProtocolOffer(name, false, "\(error)")
        }
    }

    /// Over TLS by ALPN with `http/1.1` as the only choice; in cleartext the streams show it.
    static func tryHTTP1(_ client: HTTPClient, _ target: HTTPTarget, on eventLoop: any EventLoop) async -> ProtocolOffer
    {
        guard target.scheme == .https else { return ProtocolOffer(.http1, nil, "shown by its streams") }
        do throws(HTTPClientError) {
            let connection = try await client.connect(to: target, on: eventLoop)
            connection.close()
            return ProtocolOffer(.http1, true, "accepted by ALPN")
        } catch {
            return ProtocolOffer(.http1, false, "\(error)")
        }
    }
}
