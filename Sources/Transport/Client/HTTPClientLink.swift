// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// A client's connection on its own loop: the form without actors, buffers and hops, for those who count microseconds.
public enum HTTPClientLink {
    case http1(HTTP1ClientConnection)
    case http2(HTTP2ClientConnection)

    /// Sends a request. In HTTP/2 all requests of one turn of the loop leave in one write.
    /// - Parameters:
    ///   - flow: who says when more of the body may come.
    ///   - token: for the sink, where there is one.
    ///   - receive: gets what becomes of the request; not called before this returns.
    public func start(
        _ request: HTTPClientRequest,
        flow: HTTPFlow = .automatic,
        token: UInt32 = 0,
        receive: @escaping HTTPResponseReceiver
    ) throws(HTTPClientError) -> HTTPClientExchange {
        switch self {
        case .http1(let connection): try connection.start(request, flow: flow, token: token, receive: receive)
        case .http2(let connection): try connection.start(request, flow: flow, token: token, receive: receive)
        }
    }

    /// From now on all bodies go to `sink`, which the connection keeps until its end.
    public func deliverBodies(to sink: any HTTPBodySink) {
        switch self {
        case .http1(let connection): connection.sink = sink
        case .http2(let connection): connection.sink = sink
        }
    }

    /// Whether a request could be started now.
    public var isAvailable: Bool {
        switch self {
        case .http1(let connection): connection.isAvailable
        case .http2(let connection): connection.isAvailable
        }
    }

    /// Requests so far.
    public var startedRequests: UInt64 {
        switch self {
        case .http1(let connection): connection.requestCount
        case .http2(let connection): UInt64(connection.session.nextStreamID / 2)
        }
    }

    /// Requests under way.
    public var activeRequests: Int {
        switch self {
        case .http1(let connection): connection.activeRequests
        case .http2(let connection): connection.session.streamCount
        }
    }

    /// Ends all requests and the connection, both directions at once: intermediaries take a half-closed connection for
    /// an aborted one.
    public func close() {
        switch self {
        case .http1(let connection): connection.close()
        case .http2(let connection): connection.close()
        }
    }
}
