// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import NIOCore
import Testing

@testable import Transport

@Suite struct ProblemTests {
    private struct Problem: Decodable, Equatable {
        var status: Int
        var title: String
        var detail: String
    }

    @Test func aProblemIsRFC9457JSON() throws {
        let response = Response.problem(.notFound, detail: "Look \"elsewhere\".", headers: ["Retry-After": "3"])
        #expect(response.status == .notFound)
        #expect(response.headers["content-type"] == ["application/problem+json"])
        #expect(response.headers["cache-control"] == ["no-store"])
        #expect(response.headers["retry-after"] == ["3"])
        let problem = try JSONDecoder().decode(Problem.self, from: Data(response.body.readableBytesView))
        #expect(problem == Problem(status: 404, title: "Not Found", detail: "Look \"elsewhere\"."))
    }

    @Test func aGivenContentTypeIsReplaced() {
        let response = Response.problem(.notFound, detail: "", headers: ["content-type": "text/html"])
        #expect(response.headers["content-type"] == ["application/problem+json"])
    }

    @Test(arguments: [
        ("", "\"\""), ("plain", "\"plain\""), ("\"", "\"\\\"\""), ("\\", "\"\\\\\""), ("/", "\"/\""),
        ("\n\r\t", "\"\\n\\r\\t\""), ("\0", "\"\\u0000\""), ("\u{1F}", "\"\\u001f\""), ("\u{B}", "\"\\u000b\""),
        ("\u{7F}", "\"\u{7F}\""), ("é€😀", "\"é€😀\""), ("\u{2028}", "\"\u{2028}\""),
    ])
    func aStringIsEscapedAsJSON(text: String, json: String) {
        var buffer = ByteBuffer()
        buffer.writeJSONString(text)
        #expect(buffer.readableBytesView.elementsEqual(json.utf8))
    }

    @Test func everyASCIICharacterComesBackFromAJSONParser() throws {
        for code in 0..<128 as Range<UInt8> {
            let text = String(UnicodeScalar(code))
            var buffer = ByteBuffer()
            buffer.writeJSONString(text)
            let parsed = try JSONDecoder().decode(String.self, from: Data(buffer.readableBytesView))
            #expect(parsed == text)
        }
    }
}
