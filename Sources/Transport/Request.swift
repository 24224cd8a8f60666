// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A request as the application sees it: the same whichever protocol carried it.

import NIOCore
import NIOHTTP1

/// A request's head. The field section has passed the checks of RFC 9112 or RFC 9113 when the application sees it.
public struct RequestHead {
    public let method: HTTPMethod
    /// The target's path as it was sent, percent-encoding and all, without the query.
    public let path: String
    /// The query without its `?`; `nil` if there is none.
    public let query: String?
    public let headers: HTTPHeaders
    public let applicationProtocol: ApplicationProtocol
    public let connection: Connection
    /// 1 for the first request on its connection.
    public let requestNumber: UInt64
    /// Monotonic nanoseconds when the head was read.
    public let receivedAt = Clock.monotonic()

    init(
        method: HTTPMethod,
        target: String,
        headers: HTTPHeaders,
        applicationProtocol: ApplicationProtocol,
        connection: Connection,
        requestNumber: UInt64
    ) {
        self.method = method
        self.headers = headers
        self.applicationProtocol = applicationProtocol
        self.connection = connection
        self.requestNumber = requestNumber
        let target = Self.originForm(of: target)
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            self.path = Self.pathOrRoot(target[..<mark])
            self.query = String(target[target.index(after: mark)...])
        } else {
            self.path = Self.pathOrRoot(target)
            self.query = nil
        }
    }

    /// The path and query of an absolute-form target, which a server MUST accept (RFC 9112, section 3.2.2).
    private static func originForm(of target: String) -> Substring {
        guard let first = target.utf8.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "*"),
            let scheme = target.range(of: "://")
        else { return target[...] }
        let rest = target[scheme.upperBound...]
        guard let slash = rest.utf8.firstIndex(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }) else {
            return "/"
        }
        return rest[slash...]
    }

    /// RFC 9110, section 4.2.3: an empty path is "/".
    private static func pathOrRoot(_ path: Substring) -> String { path.isEmpty ? "/" : String(path) }
}

extension StringProtocol {
    /// The first place of `needle`; here so that Foundation is not needed for it.
    fileprivate func range(of needle: StaticString) -> Range<Index>? {
        let bytes = needle.withUTF8Buffer { Array($0) }
        var start = self.startIndex
        while start < self.endIndex {
            if self.utf8[start...].starts(with: bytes) {
                return start..<self.utf8.index(start, offsetBy: bytes.count)
            }
            start = self.utf8.index(after: start)
        }
        return nil
    }
}

/// What the application wants done with a request, told by its head alone, before any of its body is read.
public enum RequestPlan {
    /// Read the body, at most this many bytes, then hand the request over. More is answered 413.
    case handle(bodyLimit: Int)
    /// Answer at once and do not read the body: `Expect: 100-continue` is then never answered with 100.
    case refuse(Response)
}
