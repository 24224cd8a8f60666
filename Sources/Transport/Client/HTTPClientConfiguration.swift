// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Which protocols a client speaks.
public enum HTTPClientProtocols: Sendable, Hashable {
    /// HTTP/1.1 only.
    case http1
    /// HTTP/2 only: by ALPN over TLS, by prior knowledge in cleartext (RFC 9113 sections 3.2 and 3.3).
    case http2
    /// Over TLS what the server chooses by ALPN, in cleartext HTTP/1.1.
    case negotiated

    /// What is offered by ALPN.
    var names: [String] {
        switch self {
        case .http1: ["http/1.1"]
        case .http2: ["h2"]
        case .negotiated: ["h2", "http/1.1"]
        }
    }
}

/// How a client connects, and what it puts up with.
public struct HTTPClientConfiguration: Sendable {
    public var protocols: HTTPClientProtocols
    /// For `https`; `applicationProtocols`, `handshakeTimeout` and `allowsHalfClosure` are set by the client itself.
    /// Nil: no `https`, and the trust store is not read.
    public var tls: TLSClientConfiguration?
    /// Through whom to go; `HTTPProxies(environment:)` reads the usual variables.
    public var proxies = HTTPProxies.none
    public var limits = HTTPClientLimits()
    public var timeouts = HTTPClientTimeouts()

    public init(protocols: HTTPClientProtocols = .negotiated, tls: TLSClientConfiguration? = TLSClientConfiguration()) {
        self.protocols = protocols
        self.tls = tls
    }
}

/// How long each step may take.
public struct HTTPClientTimeouts: Sendable, Hashable {
    public var resolve = TimeAmount.seconds(10)
    /// For each address of the host.
    public var connect = TimeAmount.seconds(10)
    /// For each of: the proxy's answer to CONNECT, the TLS handshake, the server's HTTP/2 SETTINGS.
    public var handshake = TimeAmount.seconds(10)
    /// From the start of a request to its final response head; nil waits for ever.
    public var responseHead: TimeAmount? = .seconds(30)
    /// Unacknowledged data for this long ends a connection (RFC 5482); 0 leaves it to the system. Linux only.
    public var tcpUser = TimeAmount.seconds(30)

    public init() {}
}

/// What a server can make a client hold. Over a bound the request or the connection fails with a typed error.
public struct HTTPClientLimits: Sendable, Hashable {
    /// Bytes of a response head, trailers likewise: names, values and status line.
    public var headBytes = 65_536
    /// Fields of a response head. HTTP/1.1 only, HTTP/2 has `headBytes`.
    public var headFields = 256
    /// Responses with a status of 1xx before the final one.
    public var informationalResponses = 16
    /// Body bytes of an HTTP/1.1 response that wait for their consumer before the socket is no longer read. One read,
    /// of up to 64 KiB a few times over, can come on top.
    public var bodyBuffer = 262_144
    /// SETTINGS_INITIAL_WINDOW_SIZE of HTTP/2, 65,535 at least: body bytes of one stream that wait for their consumer.
    public var streamWindow = 1_048_576
    /// The window of a whole HTTP/2 connection, given back as bytes arrive: it paces, the streams' windows bound.
    public var connectionWindow = 16_777_216
    /// What PING and SETTINGS can make us owe to a server that does not read. Over it the connection ends.
    public var controlBytes = 1_048_576

    public init() {}
}
