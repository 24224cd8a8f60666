// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1

/// One request. Framing fields (Host, Content-Length, Connection) are the connection's business.
public struct HTTPClientRequest: Sendable {
    public var method: HTTPMethod
    /// Path and query; nil takes those of the connection's target.
    public var path: String?
    public var headers: HTTPHeaders
    public var body: ByteBuffer?
    /// From the start to the end of the response; nil for streams.
    public var deadline: TimeAmount?

    public init(
        _ method: HTTPMethod = .GET,
        path: String? = nil,
        headers: HTTPHeaders = [:],
        body: ByteBuffer? = nil,
        deadline: TimeAmount? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.deadline = deadline
    }

    /// What the connection writes itself, or what HTTP/2 forbids (RFC 9113 section 8.2.2).
    private static let framingFields: Set<String> = [
        "connection", "content-length", "host", "http2-settings", "keep-alive", "proxy-connection",
        "transfer-encoding", "upgrade",
    ]

    /// The fields of the caller, checked: a line break in a value would be a second request (RFC 9112 section 11.1).
    func checkedFields() throws(HTTPClientError) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        for (name, value) in headers {
            guard HTTP2FieldSyntax.isToken(name) else { throw .invalidRequest("\(name) cannot be a field name") }
            guard HTTP2FieldSyntax.isValue(value) else {
                throw .invalidRequest("the value of \(name) holds control characters or outer white space")
            }
            guard !Self.framingFields.contains(name.lowercased()) else {
                throw .invalidRequest("\(name) is set by the connection: leave it out")
            }
            fields.append((name, value))
        }
        return fields
    }

    func checkedPath(on target: HTTPTarget) throws(HTTPClientError) -> String {
        let path = self.path ?? target.path
        guard HTTP2FieldSyntax.isToken(method.rawValue), method != .CONNECT else {
            throw .invalidRequest("\(method.rawValue) is no method that can be sent")
        }
        guard HTTP2FieldSyntax.isPath(path, method: method.rawValue), !path.utf8.contains(UInt8(ascii: "#")) else {
            throw .invalidRequest("\(path) is no path: begin with /, and percent-encode spaces")
        }
        return path
    }

    /// RFC 9110 section 8.6: a method that usually has a body says so when there is none.
    var contentLength: Int? {
        if let body { return body.readableBytes }
        return method == .POST || method == .PUT || method == .PATCH ? 0 : nil
    }
}
