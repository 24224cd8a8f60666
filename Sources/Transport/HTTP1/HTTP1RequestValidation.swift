// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The checks on a request's head that llhttp leaves to the server. Whatever two recipients on a path could read
// differently is refused (RFC 9112, section 11.2, "Request Smuggling").

import NIOHTTP1

/// A request that is answered with an error and ends its connection.
struct HTTP1Rejection: Equatable, Error {
    let status: HTTPResponseStatus
    /// Says what is wrong and what to send instead.
    let detail: String
}

enum HTTP1RequestValidation {
    /// `nil` if the head is fine.
    static func rejection(of head: HTTPRequestHead, limits: ServerLimits) -> HTTP1Rejection? {
        guard head.version.major == 1, head.version.minor <= 1 else {
            return HTTP1Rejection(status: .httpVersionNotSupported, detail: "Send the request as HTTP/1.1.")
        }
        return self.sizeRejection(of: head, limits: limits)
            ?? self.hostRejection(of: head)
            ?? self.framingRejection(of: head)
            ?? self.targetRejection(of: head)
            ?? self.fieldRejection(of: head)
    }

    /// The answer to bytes that the parser could not read as a request.
    static func rejection(of error: any Error) -> HTTP1Rejection {
        switch error as? HTTPParserError {
        case .headerOverflow:
            HTTP1Rejection(
                status: .requestHeaderFieldsTooLarge,
                detail: "The request's header fields are too large; send fewer or shorter ones."
            )
        case .invalidVersion:
            HTTP1Rejection(status: .httpVersionNotSupported, detail: "Send the request as HTTP/1.1.")
        case .invalidMethod:
            HTTP1Rejection(status: .badRequest, detail: "This is not HTTP/1.1, or its method is not known here.")
        default:
            HTTP1Rejection(status: .badRequest, detail: "This is not a well-formed HTTP/1.1 request (RFC 9112).")
        }
    }

    private static func sizeRejection(of head: HTTPRequestHead, limits: ServerLimits) -> HTTP1Rejection? {
        if head.uri.utf8.count > limits.maximumHeaderBytes / 2 {
            return HTTP1Rejection(
                status: .uriTooLong,
                detail: "Send a request target of at most \(limits.maximumHeaderBytes / 2) bytes."
            )
        }
        let bytes = head.headers.reduce(head.uri.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard bytes <= limits.maximumHeaderBytes, head.headers.count <= limits.maximumHeaderFields else {
            return HTTP1Rejection(
                status: .requestHeaderFieldsTooLarge,
                detail: "Send at most \(limits.maximumHeaderFields) header fields of "
                    + "\(limits.maximumHeaderBytes) bytes in all."
            )
        }
        return nil
    }

    /// RFC 9112, section 3.2: exactly one Host in HTTP/1.1, and never two.
    private static func hostRejection(of head: HTTPRequestHead) -> HTTP1Rejection? {
        let hosts = head.headers["host"].count
        if hosts > 1 || (hosts == 0 && head.version.minor == 1) {
            return HTTP1Rejection(status: .badRequest, detail: "Send exactly one Host header field, not \(hosts).")
        }
        let host = head.headers.first(name: "host") ?? ""
        guard !host.allBytes(satisfy: Self.isHostCharacter) else { return nil }
        return HTTP1Rejection(status: .badRequest, detail: "Send a Host header field of the form host or host:port.")
    }

    /// uri-host and port (RFC 3986, section 3.2): what delimits other parts of a URI has no place in it.
    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: byte.isDigit || Self.hostMarks.contains(byte)
        }
    }

    private static let hostMarks = Set("-._~%!$&'()*+,;=:[]".utf8)

    /// RFC 9112, sections 6.1 to 6.3.
    private static func framingRejection(of head: HTTPRequestHead) -> HTTP1Rejection? {
        let codings = head.headers["transfer-encoding"]
        let lengths = head.headers["content-length"]
        if !codings.isEmpty {
            guard lengths.isEmpty else {
                return HTTP1Rejection(
                    status: .badRequest, detail: "Send Content-Length or Transfer-Encoding, never both."
                )
            }
            guard head.version.minor == 1 else {
                return HTTP1Rejection(status: .badRequest, detail: "HTTP/1.0 has no Transfer-Encoding.")
            }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                return HTTP1Rejection(
                    status: .notImplemented, detail: "The only transfer coding understood is one \"chunked\"."
                )
            }
        }
        guard lengths.count <= 1, lengths.allSatisfy({ !$0.isEmpty && $0.allBytes(satisfy: \.isDigit) }) else {
            return HTTP1Rejection(status: .badRequest, detail: "Send one Content-Length, in decimal digits.")
        }
        return nil
    }

    /// RFC 9112, section 3.2: origin-form, absolute-form, or `*` with OPTIONS.
    private static func targetRejection(of head: HTTPRequestHead) -> HTTP1Rejection? {
        let target = head.uri
        let isFine =
            target.utf8.first == UInt8(ascii: "/") || (target == "*" && head.method == .OPTIONS)
            || target.lowercased().hasPrefix("http://") || target.lowercased().hasPrefix("https://")
        guard !isFine || !target.allBytes(satisfy: { $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return HTTP1Rejection(status: .badRequest, detail: "Send a request target that starts with \"/\".")
    }

    /// RFC 9110, section 5.5: no control characters in field values. RFC 9112, section 5.2: no line folding; llhttp
    /// joins folded lines and leaves the CR or LF, or a leading tab, to be found here.
    private static func fieldRejection(of head: HTTPRequestHead) -> HTTP1Rejection? {
        let isFine = head.headers.allSatisfy { _, value in
            value.allBytes { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
        }
        return isFine
            ? nil : HTTP1Rejection(status: .badRequest, detail: "A header field's value has a control character.")
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}
