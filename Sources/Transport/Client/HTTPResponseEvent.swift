// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1

/// What a request gets to know, in order: informational responses, one head, pieces of body, one end. The end comes
/// exactly once, also when nothing else does.
public enum HTTPResponseEvent: Sendable {
    /// 1xx; bound: `HTTPClientLimits.informationalResponses`.
    case informational(HTTPClientResponseHead)
    /// The final head. Redirects are reported, not followed.
    case head(HTTPClientResponseHead)
    /// Body bytes as they were framed, or less: a chunk or DATA frame that spans reads comes in pieces. The buffer
    /// shares the memory of its read; copy what is kept for long.
    case body(ByteBuffer, HTTPArrival)
    case end(HTTPResponseEnd, HTTPArrival)
}

/// Status and fields of a response.
public struct HTTPClientResponseHead: Sendable, Equatable {
    public var status: HTTPResponseStatus
    public var applicationProtocol: ApplicationProtocol
    public var headers: HTTPHeaders
    /// See `PhaseTimes.requestWritten`. Nil if the answer came before the request was with the kernel.
    public var requestWritten: Int64?
    public var arrival: HTTPArrival
}

/// How a response ended.
public enum HTTPResponseEnd: Sendable, Equatable {
    /// Whole, by its own framing, with these trailer fields.
    case complete(trailers: HTTPHeaders)
    /// The end of an HTTP/1.1 connection is the end of the body (RFC 9112 section 6.3, rule 8): nothing shows whether
    /// it was whole.
    case untilClose
    case failed(HTTPClientError)
}

/// How far a response had come when it failed.
public enum HTTPResponseProgress: String, Sendable, Hashable {
    /// Not a byte of it.
    case nothing
    /// Some bytes, no final head.
    case partialHead
    /// The head, and maybe a part of the body.
    case body
}
