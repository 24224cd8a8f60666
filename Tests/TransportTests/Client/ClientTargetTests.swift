// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

@Suite struct ClientTargetTests {
    @Test(arguments: [
        ("http://example.com", "example.com", 80, "/", "example.com"),
        ("HTTPS://Example.COM/a?b=c#d", "example.com", 443, "/a?b=c", "example.com"),
        ("http://example.com:8080?q", "example.com", 8_080, "/?q", "example.com:8080"),
        ("https://127.0.0.1:443/x", "127.0.0.1", 443, "/x", "127.0.0.1"),
        ("http://[::1]:8080/events", "::1", 8_080, "/events", "[::1]:8080"),
        ("http://[FE80::1%25eth0]/", "fe80::1%eth0", 80, "/", "[fe80::1]"),
        ("http://host:/x", "host", 80, "/x", "host"),
        ("http://a_b.example/%20", "a_b.example", 80, "/%20", "a_b.example"),
    ])
    func urlIsTakenApart(url: String, host: String, port: Int, path: String, authority: String) throws {
        let target = try HTTPTarget(url)
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.path == path)
        #expect(target.authority == authority)
    }

    @Test(arguments: [
        ("example.com", HTTPTargetError.noScheme("example.com")),
        ("localhost:8080/x", .noScheme("localhost:8080/x")),
        ("ftp://example.com", .unknownScheme("ftp")),
        ("http://", .noHost),
        ("http://:80/", .noHost),
        ("http:///path", .noHost),
        ("http://me:secret@example.com/", .credentials),
        ("http://a b/", .illegalCharacter("http://a b/")),
        ("http://exämple.com/", .illegalCharacter("http://exämple.com/")),
        ("http://host/\r\nX: y", .illegalCharacter("http://host/\r\nX: y")),
        ("http://host:0/", .badPort("0")),
        ("http://host:65536/", .badPort("65536")),
        ("http://host:8a/", .badPort("8a")),
        ("http://host:+1/", .badPort("+1")),
        ("http://ho%73t/", .badHost("ho%73t")),
        ("http://[::1/", .badHost("[::1")),
        ("http://[1.2.3.4]/", .badHost("[1.2.3.4]")),
        ("http://[::1]x/", .badHost("[::1]x")),
        ("http://[fe80::1%25]/", .badHost("[fe80::1%25]")),
        ("http://::1/", .badHost("::1")),
    ])
    func badURLSaysWhatIsWrong(url: String, error: HTTPTargetError) {
        #expect(throws: error) { try HTTPTarget(url) }
        #expect(!error.description.isEmpty)
    }

    @Test(arguments: [
        HTTPClientRequest(headers: ["X-A": "b\r\nX-C: d"]),
        HTTPClientRequest(headers: ["X A": "b"]),
        HTTPClientRequest(headers: ["Content-Length": "3"]),
        HTTPClientRequest(headers: ["transfer-encoding": "chunked"]),
        HTTPClientRequest(headers: ["Host": "elsewhere"]),
        HTTPClientRequest(path: "/a b"),
        HTTPClientRequest(path: "a"),
        HTTPClientRequest(path: "/a\r\nX: y"),
        HTTPClientRequest(path: "/a#b"),
        HTTPClientRequest(.RAW(value: "GET /")),
        HTTPClientRequest(.CONNECT),
    ])
    func requestThatWouldBreakTheFramingIsRefused(request: HTTPClientRequest) throws {
        let target = try HTTPTarget("http://example.com/")
        #expect {
            _ = try request.checkedPath(on: target)
            _ = try request.checkedFields()
        } throws: { error in
            if case HTTPClientError.invalidRequest = error { true } else { false }
        }
    }
}
