// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Transport

/// One way to an event stream: whom to ask, in which protocol, for what. Any server's; an endpoint that streams the
/// answer to a POST is one too.
public struct ProbePath: Sendable {
    /// For reports: `direct`, `edge`, or host and port.
    public var name: String
    public var target: HTTPTarget
    public var protocols: HTTPClientProtocols
    public var method: HTTPMethod
    /// Fields beside those that ``request(lastEventID:traceparent:)`` sets itself.
    public var headers: HTTPHeaders
    public var body: ByteBuffer?
    /// Whether compression is offered, as browsers do.
    public var acceptsGzip: Bool

    public init(
        name: String,
        target: HTTPTarget,
        protocols: HTTPClientProtocols = .negotiated,
        method: HTTPMethod = .GET,
        headers: HTTPHeaders = [:],
        body: ByteBuffer? = nil,
        acceptsGzip: Bool = false
    ) {
        self.name = name
        self.target = target
        self.protocols = protocols
        self.method = method
        self.headers = headers
        self.body = body
        self.acceptsGzip = acceptsGzip
    }

    /// What is sent to open a stream. Fields of the caller win over ours.
    /// - Parameter lastEventID: where to go on (HTML, section 9.2.4); empty for none.
    public func request(lastEventID: String = "", traceparent: String? = nil) -> HTTPClientRequest {
        var fields = headers
        func addDefault(_ name: String, _ value: String) {
            if !fields.contains(name: name) { fields.add(name: name, value: value) }
        }
        addDefault("accept", "text/event-stream")
        addDefault("cache-control", "no-cache")
        addDefault("user-agent", "headwater-probe")
        if acceptsGzip { addDefault("accept-encoding", "gzip") }
        if body != nil { addDefault("content-type", "application/json") }
        // An id with characters that no field value may hold cannot be sent; EventSource sends UTF-8, we what is safe.
        if !lastEventID.isEmpty, lastEventID.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
            addDefault("last-event-id", lastEventID)
        }
        if let traceparent { addDefault("traceparent", traceparent) }
        return HTTPClientRequest(method, path: target.path, headers: fields, body: body)
    }
}
