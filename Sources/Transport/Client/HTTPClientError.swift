// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Why a request has no whole answer. Each message says what to do.
public enum HTTPClientError: Error, Sendable, Equatable {
    // Before the connection

    case invalidRequest(String)
    /// A proxy variable that cannot be used.
    case proxy(String)
    case nameNotResolved(host: String, reason: String)
    /// Nobody listens; `addresses` are all that were tried.
    case refused(addresses: String)
    case unreachable(addresses: String, reason: String)
    /// A step took too long.
    case timedOut(HTTPClientStep, seconds: Double)
    /// The proxy answered CONNECT with this status.
    case tunnelRefused(proxy: String, status: Int)
    case tls(TLSError)
    /// `https` with a client that was made without TLS.
    case tlsNotConfigured
    /// The peer speaks another protocol than asked for.
    case protocolMismatch(wanted: String, got: String)

    // On the connection

    /// The first bytes are no HTTP response; they are quoted, cut and made printable.
    case notHTTP(firstBytes: String)
    /// The response breaks its protocol.
    case malformed(String)
    case headTooLarge(limit: Int)
    case tooManyInformational(limit: Int)
    case bodyTooLarge(limit: Int)
    /// An HTTP/1.1 connection carries one request at a time.
    case busy
    /// The server's SETTINGS_MAX_CONCURRENT_STREAMS are in use.
    case streamLimit(Int)
    /// The connection takes no more requests.
    case connectionClosing
    /// The connection ended in the middle.
    case ended(HTTPConnectionEnd, HTTPResponseProgress)
    /// RST_STREAM from the server.
    case streamReset(HTTP2ErrorCode, HTTPResponseProgress)
    /// GOAWAY says that the request was not processed: it is safe to send it again on another connection.
    case notProcessed(HTTP2GoAwayEvidence)
    case cancelled
}

/// What a timeout was for.
public enum HTTPClientStep: String, Sendable, Hashable {
    case resolve
    case connect
    case tunnel
    case handshake
    case settings
    case responseHead
    case response
}

extension HTTPClientError {
    /// Whether the server cannot have acted on the request, whatever its method (RFC 9110 section 9.2.2, RFC 9113
    /// section 8.7). An end before any byte of the answer is not enough: the request may have been read.
    public var isUnprocessed: Bool {
        switch self {
        case .invalidRequest, .proxy, .nameNotResolved, .refused, .unreachable, .tunnelRefused, .tls, .tlsNotConfigured,
            .protocolMismatch, .busy, .streamLimit, .connectionClosing, .notProcessed:
            true
        case .streamReset(let code, _): code == .refusedStream
        case .timedOut(let step, _): step != .responseHead && step != .response
        case .notHTTP, .malformed, .headTooLarge, .tooManyInformational, .bodyTooLarge, .ended, .cancelled: false
        }
    }
}
