// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Testing

@testable import Origin

@Suite struct CrossOriginTests {
    private let page = "https://app.example.com"
    private let some = CrossOriginPolicy(.origins(["https://app.example.com", "http://localhost:3000"]))

    private func apply(_ policy: CrossOriginPolicy, origin: String?) -> HTTPHeaders {
        var headers: HTTPHeaders = ["X-Own": "1"]
        policy.apply(to: &headers, request: origin.map { ["Origin": $0] } ?? [:])
        return headers
    }

    @Test(arguments: [nil, "https://app.example.com"] as [String?])
    func withoutAnAllowedOriginNothingIsSent(origin: String?) {
        #expect(self.apply(CrossOriginPolicy(.origins([])), origin: origin) == ["X-Own": "1"])
    }

    @Test(arguments: [nil, "https://anyone.example"] as [String?])
    func anyPageMayReadWithoutCredentials(origin: String?) {
        let headers = self.apply(CrossOriginPolicy(.any), origin: origin)
        #expect(headers["access-control-allow-origin"] == ["*"])
        #expect(headers["timing-allow-origin"] == ["*"])
        #expect(!headers.contains(name: "access-control-allow-credentials"))
        #expect(!headers.contains(name: "vary"))
    }

    @Test func anAllowedPageMayReadWithCredentials() throws {
        let headers = self.apply(self.some, origin: self.page)
        #expect(headers["access-control-allow-origin"] == [self.page])
        #expect(headers["access-control-allow-credentials"] == ["true"])
        #expect(headers["timing-allow-origin"] == [self.page])
        #expect(headers["vary"] == ["Origin"])
        let exposed = try #require(headers.first(name: "access-control-expose-headers"))
        #expect(exposed.split(separator: ", ").count == 4)
    }

    @Test(
        arguments: [
            nil, "", "null", "https://evil.example", "https://app.example.com.evil.example", "https://app.example.com/",
            "http://app.example.com", "https://APP.example.com", "https://app.example.com:443",
        ] as [String?])
    func anotherPageGetsOnlyTheWordThatAnswersDiffer(origin: String?) {
        #expect(self.apply(self.some, origin: origin) == ["X-Own": "1", "Vary": "Origin"])
    }

    @Test func aPreflightIsAnsweredForAnAllowedPage() throws {
        let response = self.some.options(
            allow: "GET, HEAD, OPTIONS", request: ["Origin": self.page, "Access-Control-Request-Method": "GET"]
        )
        #expect(response.status == .noContent)
        #expect(response.headers["allow"] == ["GET, HEAD, OPTIONS"])
        #expect(response.headers["access-control-allow-methods"] == ["GET, HEAD, OPTIONS"])
        let fields = try #require(response.headers.first(name: "access-control-allow-headers"))
        #expect(fields.contains("Last-Event-ID"))
        #expect(fields.contains("Authorization"))
        #expect(response.headers["access-control-max-age"] == ["7200"])
    }

    @Test func aPreflightOfAnotherPageGetsNoPermission() {
        let response = self.some.options(
            allow: "GET", request: ["Origin": "https://evil.example", "Access-Control-Request-Method": "GET"]
        )
        #expect(response.headers == ["Allow": "GET", "Vary": "Origin"])
    }

    @Test func anOptionsRequestThatIsNoPreflightGetsNoMethods() {
        let response = self.some.options(allow: "GET", request: ["Origin": self.page])
        #expect(!response.headers.contains(name: "access-control-allow-methods"))
        #expect(response.headers["access-control-allow-origin"] == [self.page])
    }
}
