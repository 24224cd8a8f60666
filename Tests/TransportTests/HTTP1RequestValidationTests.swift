// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Testing

@testable import Transport

@Suite struct HTTP1RequestValidationTests {
    private func status(
        _ method: HTTPMethod = .GET,
        _ target: String = "/",
        version: HTTPVersion = .http1_1,
        fields: [(String, String)] = [("Host", "a")],
        limits: ServerLimits = ServerLimits()
    ) -> Int? {
        let head = HTTPRequestHead(version: version, method: method, uri: target, headers: HTTPHeaders(fields))
        return HTTP1RequestValidation.rejection(of: head, limits: limits).map { Int($0.status.code) }
    }

    @Test(
        arguments: [
            (HTTPVersion(major: 1, minor: 1), nil), (HTTPVersion(major: 1, minor: 0), nil),
            (HTTPVersion(major: 1, minor: 2), 505), (HTTPVersion(major: 2, minor: 0), 505),
            (HTTPVersion(major: 0, minor: 9), 505),
        ] as [(HTTPVersion, Int?)])
    func onlyHTTP1Point0And1AreSpoken(version: HTTPVersion, status: Int?) {
        #expect(self.status(version: version) == status)
    }

    @Test(arguments: [(0, 400), (1, nil), (2, 400)] as [(Int, Int?)])
    func http11NeedsExactlyOneHost(count: Int, status: Int?) {
        #expect(self.status(fields: Array(repeating: ("Host", "a"), count: count)) == status)
    }

    @Test(arguments: [(0, nil), (1, nil), (2, 400)] as [(Int, Int?)])
    func http10NeedsNoHostButNeverTwo(count: Int, status: Int?) {
        #expect(self.status(version: .http1_0, fields: Array(repeating: ("Host", "a"), count: count)) == status)
    }

    @Test(
        arguments: [
            ([("Content-Length", "0")], nil),
            ([("Content-Length", "10")], nil),
            ([("Content-Length", "")], 400),
            ([("Content-Length", "+1")], 400),
            ([("Content-Length", "-1")], 400),
            ([("Content-Length", "0x10")], 400),
            ([("Content-Length", "1 ")], 400),
            ([("Content-Length", "1,1")], 400),
            ([("Content-Length", "1"), ("Content-Length", "1")], 400),
            ([("Content-Length", "1"), ("content-length", "2")], 400),
            ([("Transfer-Encoding", "chunked")], nil),
            ([("Transfer-Encoding", "Chunked")], nil),
            ([("Transfer-Encoding", "chunked"), ("Content-Length", "3")], 400),
            ([("Transfer-Encoding", "gzip, chunked")], 501),
            ([("Transfer-Encoding", "identity")], 501),
            ([("Transfer-Encoding", "chunked, chunked")], 501),
            ([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], 501),
            ([("Transfer-Encoding", "xchunked")], 501),
            ([("Transfer-Encoding", "")], 501),
        ] as [([(String, String)], Int?)])
    func theBodysLengthIsToldOneWay(fields: [(String, String)], status: Int?) {
        #expect(self.status(.POST, fields: [("Host", "a")] + fields) == status)
    }

    @Test(
        arguments: [
            ("a.example", nil), ("a.example:8080", nil), ("[2001:db8::1]:80", nil), ("a_b~c%20", nil),
            ("a/b", 400), ("user@host", 400), ("a b", 400), ("a?b", 400), ("a#b", 400), ("a\\b", 400),
            ("caf\u{E9}", 400),
        ] as [(String, Int?)]
    )
    func theHostIsHostAndPort(host: String, status: Int?) {
        #expect(self.status(fields: [("Host", host)]) == status)
    }

    @Test func http10HasNoTransferEncoding() {
        #expect(self.status(.POST, "/", version: .http1_0, fields: [("Transfer-Encoding", "chunked")]) == 400)
    }

    @Test(
        arguments: [
            (.GET, "/", nil), (.GET, "/a?b=c", nil), (.GET, "//double", nil), (.GET, "/%zz", nil),
            (.GET, "http://host/a", nil), (.GET, "HTTPS://host", nil), (.OPTIONS, "*", nil),
            (.GET, "*", 400), (.GET, "", 400), (.GET, "a", 400), (.GET, "?a", 400), (.GET, "ftp://host/", 400),
            (.CONNECT, "host:80", 400), (.GET, "/with space", 400), (.GET, "/caf\u{E9}", 400), (.GET, "/\u{7F}", 400),
            (.GET, "/tab\tinside", 400),
        ] as [(HTTPMethod, String, Int?)])
    func theTargetIsInOriginOrAbsoluteForm(method: HTTPMethod, target: String, status: Int?) {
        #expect(self.status(method, target) == status)
    }

    @Test(
        arguments: [
            ("plain", nil), ("with\ttab", nil), ("obs-text \u{E9}", nil), ("", nil),
            ("nul\0", 400), ("a\rb", 400), ("a\nb", 400), ("\u{1B}[0m", 400), ("\u{7F}", 400),
        ] as [(String, Int?)])
    func fieldValuesHaveNoControlCharacters(value: String, status: Int?) {
        #expect(self.status(fields: [("Host", "a"), ("X-Test", value)]) == status)
    }

    @Test func theTargetMayTakeHalfOfTheHead() {
        var limits = ServerLimits()
        limits.maximumHeaderBytes = 200
        #expect(self.status(.GET, "/" + String(repeating: "a", count: 99), limits: limits) == nil)
        #expect(self.status(.GET, "/" + String(repeating: "a", count: 100), limits: limits) == 414)
    }

    @Test func theFieldsAreBoundedInNumberAndBytes() {
        var limits = ServerLimits()
        limits.maximumHeaderBytes = 200
        limits.maximumHeaderFields = 3
        // "/", "Host", "a" and four for punctuation make 10; a name of one byte and four leave 185.
        let fits = String(repeating: "v", count: 185)
        #expect(self.status(fields: [("Host", "a"), ("X", fits)], limits: limits) == nil)
        #expect(self.status(fields: [("Host", "a"), ("X", fits + "v")], limits: limits) == 431)
        #expect(self.status(fields: [("Host", "a"), ("X", ""), ("X", "")], limits: limits) == nil)
        #expect(self.status(fields: [("Host", "a"), ("X", ""), ("X", ""), ("X", "")], limits: limits) == 431)
    }

    @Test(
        arguments: [
            (HTTPParserError.headerOverflow, 431), (.invalidVersion, 505), (.invalidMethod, 400),
            (.invalidHeaderToken, 400), (.invalidContentLength, 400), (.invalidChunkSize, 400),
        ] as [(HTTPParserError, Int)])
    func whatTheParserCannotReadIsAnsweredWithItsStatus(error: HTTPParserError, status: Int) {
        #expect(HTTP1RequestValidation.rejection(of: error).status.code == UInt(status))
    }

    @Test func everyRejectionSaysWhatToSend() throws {
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        let rejection = try #require(HTTP1RequestValidation.rejection(of: head, limits: ServerLimits()))
        #expect(rejection.detail == "Send exactly one Host header field, not 0.")
    }
}
