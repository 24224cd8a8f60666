// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A response as the application states it. Framing fields (`Content-Length`, `Transfer-Encoding`, `Connection`,
// `Date`) are the protocol's business and are added when it is written.

import NIOCore
import NIOHTTP1

/// A complete response, or the head of a streamed one (then `body` is ignored).
public struct Response: Sendable {
    public var status: HTTPResponseStatus
    /// Fields that other responses have too; see ``ownHeaders``.
    public var headers: HTTPHeaders
    /// Fields whose values are this response's own. They are sent like the others; over HTTP/2 the peer is not asked to
    /// remember them.
    public var ownHeaders: [(name: String, value: String)]
    public var body: ByteBuffer
    /// Ask the client to open no further request on this connection.
    public var closesConnection = false

    public init(status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.ownHeaders = []
        self.body = body
    }
}
