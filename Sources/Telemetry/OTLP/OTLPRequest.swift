// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One `POST` to the collector, for whoever speaks HTTP. This module has no client of its own.
public struct OTLPRequest: Hashable, Sendable {
    /// Absolute, `http` or `https`.
    public let url: String
    /// All fields but `Host` and `Content-Length`, names in lowercase, `content-encoding` among them.
    public let headers: [OTLPHeader]
    public let body: [UInt8]
    /// `gzip`, or nil when the body is as it is.
    public let contentEncoding: String?
    /// Nanoseconds for everything from connecting to the last byte of the answer.
    public let timeout: Int64

    /// The most bytes of an answer's body that the sender may read; more it reports by ``OTLPSendResult/tooLarge``.
    public static let responseLimit = 4 << 20
    /// The most bytes of protobuf in one request.
    public static let requestLimit = 64 << 20

    public init(url: String, headers: [OTLPHeader], body: [UInt8], contentEncoding: String?, timeout: Int64) {
        self.url = url
        self.headers = headers
        self.body = body
        self.contentEncoding = contentEncoding
        self.timeout = timeout
    }
}

/// A field of a request or an answer.
public struct OTLPHeader: Hashable, Sendable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What became of a request.
public enum OTLPSendResult: Hashable, Sendable {
    /// A complete answer; the body as it came, still compressed when its fields say so.
    case response(status: Int, headers: [OTLPHeader], body: [UInt8])
    /// The answer's body exceeds ``OTLPRequest/responseLimit``.
    case tooLarge(status: Int)
    /// No connection, so the collector never saw the request.
    case notConnected(String)
    /// The connection ended before the answer did; the collector may have seen the request.
    case lostBeforeResponse(String)
    case timedOut
}

/// Delivers one request. It must heed cancellation, and must not trace the request.
public typealias OTLPSender = @Sendable (OTLPRequest) async -> OTLPSendResult
