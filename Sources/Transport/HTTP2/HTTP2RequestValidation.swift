// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHPACK

/// Requests and trailers as RFC 9113 section 8 wants them. Pure functions: the session turns `nil` into a stream error
/// of type PROTOCOL_ERROR (section 8.1.1).
///
/// Not here: whether the resource exists, or what the method means. A valid CONNECT passes, its refusal is a response.
enum HTTP2RequestValidation {
    /// Size of a header list as section 6.5.2 counts it: 32 bytes per field on top of name and value.
    static func listSize(_ headers: HPACKHeaders) -> Int {
        headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 }
    }

    /// Checks a header section and takes out what routing needs.
    static func request(_ headers: HPACKHeaders, endStream: Bool) -> HTTP2Request? {
        var section = Section()
        for (name, value, _) in headers {
            guard section.take(name, value) else { return nil }
        }
        return section.finish(headers, endStream: endStream)
    }

    /// Checks a trailer section: regular fields only (section 8.1).
    static func trailersAreValid(_ headers: HPACKHeaders) -> Bool {
        headers.allSatisfy { name, value, _ in
            HTTP2FieldSyntax.isName(name) && HTTP2FieldSyntax.isValue(value) && !isConnectionSpecific(name, value)
        }
    }

    /// Section 8.2.2: fields that speak about an HTTP/1 connection. TE may say "trailers" and nothing else.
    fileprivate static func isConnectionSpecific(_ name: String, _ value: String) -> Bool {
        // By length first, which tells nearly all names apart without reading them.
        switch (name.utf8.count, name) {
        case (10, "connection"), (16, "proxy-connection"), (10, "keep-alive"), (17, "transfer-encoding"),
            (7, "upgrade"):
            true
        case (2, "te"): value.lowercased() != "trailers"
        default: false
        }
    }
}

/// What is collected while the fields of one request pass by.
private struct Section {
    var method: String?
    var scheme: String?
    var authority: String?
    var path: String?
    var host: String?
    var contentLength: Int64?
    var cookies = 0
    var regularFieldSeen = false

    /// - Returns: `false` when the request is malformed.
    mutating func take(_ name: String, _ value: String) -> Bool {
        guard HTTP2FieldSyntax.isValue(value) else { return false }
        if name.utf8.first == UInt8(ascii: ":") {
            // Section 8.3: all pseudo-header fields come first.
            return !regularFieldSeen && takePseudoHeader(name, value)
        }
        regularFieldSeen = true
        guard HTTP2FieldSyntax.isName(name), !HTTP2RequestValidation.isConnectionSpecific(name, value) else {
            return false
        }
        switch (name.utf8.count, name) {
        case (4, "host"):
            // RFC 9110 section 7.2: more than one Host is an error.
            guard host == nil else { return false }
            host = value
        case (14, "content-length"):
            guard let length = HTTP2FieldSyntax.contentLength(value) else { return false }
            guard contentLength == nil || contentLength == length else { return false }
            contentLength = length
        case (6, "cookie"):
            cookies += 1
        default:
            break
        }
        return true
    }

    /// Section 8.3.1: four are defined, each at most once. Extended CONNECT (RFC 8441) is not offered.
    private mutating func takePseudoHeader(_ name: String, _ value: String) -> Bool {
        switch name {
        case ":method":
            guard method == nil else { return false }
            method = value
        case ":scheme":
            guard scheme == nil else { return false }
            scheme = value
        case ":authority":
            guard authority == nil else { return false }
            authority = value
        case ":path":
            guard path == nil else { return false }
            path = value
        default:
            return false
        }
        return true
    }

    func finish(_ headers: HPACKHeaders, endStream: Bool) -> HTTP2Request? {
        guard let method, HTTP2FieldSyntax.isToken(method) else { return nil }
        // Section 8.1.1: a body of no bytes cannot have another length.
        if endStream, let contentLength, contentLength != 0 { return nil }
        guard authorityIsValid else { return nil }
        if method == "CONNECT" {
            // Section 8.5.
            guard scheme == nil, path == nil, let authority, !authority.isEmpty else { return nil }
        } else {
            guard let scheme, HTTP2FieldSyntax.isScheme(scheme) else { return nil }
            guard let path, HTTP2FieldSyntax.isPath(path, method: method) else { return nil }
        }
        return HTTP2Request(
            method: method,
            scheme: scheme ?? "",
            authority: authority ?? host ?? "",
            path: path ?? "",
            headers: cookies > 1 ? joiningCookies(headers) : headers,
            contentLength: contentLength
        )
    }

    /// Section 8.3.1: no user information, and a Host that names the same entity.
    private var authorityIsValid: Bool {
        if let authority, !HTTP2FieldSyntax.isAuthority(authority) { return false }
        if let host, !HTTP2FieldSyntax.isAuthority(host) { return false }
        guard let authority, let host, authority != host else { return true }
        return normalized(authority) == normalized(host)
    }

    /// RFC 3986 section 6.2.3: case and the default port do not matter.
    private func normalized(_ authority: String) -> Substring {
        let lowercased = authority.lowercased()
        let port = scheme == "https" ? ":443" : ":80"
        return lowercased.hasSuffix(port) ? lowercased.dropLast(port.count) : Substring(lowercased)
    }

    /// Section 8.2.3: crumbs become one field before a generic application sees them.
    private func joiningCookies(_ headers: HPACKHeaders) -> HPACKHeaders {
        var joined = headers
        joined.replaceOrAdd(name: "cookie", value: headers["cookie"].joined(separator: "; "))
        return joined
    }
}
