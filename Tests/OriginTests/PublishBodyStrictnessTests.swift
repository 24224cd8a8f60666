// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Origin

/// JSON that lenient parsers take and RFC 8259 does not: a subscriber's strict parser would fail at it.
@Suite struct PublishBodyStrictnessTests {
    private func isTaken(_ body: [UInt8]) -> Bool {
        do throws(PublishBodyError) {
            _ = try PublishBody.parse(
                ByteBuffer(bytes: body), contentType: "application/json", type: nil, retry: nil
            )
            return true
        } catch {
            return false
        }
    }

    @Test(arguments: [
        "[1,]", "{\"a\":1,}", "[,1]", "[1 2]", "01", "-01", "[01]", "1.", ".5", "-", "1e", "1e+", "+1", "0x10", "1_0",
        "\"\n\"", "\"\t\"", "[\"\0\"]", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"open", "{\"a\" 1}", "{a:1}",
        "{\"a\":1 \"b\":2}", "[Infinity]", "[tru]", "[nulll]", "\u{B}1", "\u{A0}1",
    ])
    func whatRFC8259DoesNotAllowIsRefused(body: String) {
        #expect(!self.isTaken(Array(body.utf8)))
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22],
            // UTF-16 and UTF-32, with and without a byte order mark: section 8.1 wants UTF-8.
            [0x31, 0x00], [0x00, 0x31], [0xFF, 0xFE, 0x31, 0x00], [0xFE, 0xFF, 0x00, 0x31], [0x31, 0x00, 0x00, 0x00],
        ] as [[UInt8]])
    func whatIsNoUTF8IsRefused(body: [UInt8]) {
        #expect(!self.isTaken(body))
    }

    @Test(arguments: ["\"\\ud83d\\ude00\"", "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "[1e5,-0,0.1,1E-2]", "\r\n\t {} \r\n"])
    func whatItAllowsIsTaken(body: String) {
        #expect(self.isTaken(Array(body.utf8)))
    }
}
