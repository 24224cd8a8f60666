// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Logging
import Testing

@testable import headwater

@Suite struct LineLogHandlerTests {
    private func json(_ message: String, _ fields: [(String, String)] = []) -> String {
        LineLogHandler.json(
            time: "2026-07-01T12:00:00.000Z", level: .info, label: "headwater", message: message, fields: fields
        )
    }

    private func parse(_ line: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func aLineIsOneJSONObject() {
        let line = self.json("stream closed", [("reason", "drain"), ("events", "12"), ("age_seconds", "3.250")])
        #expect(
            line == "{\"time\":\"2026-07-01T12:00:00.000Z\",\"level\":\"info\",\"logger\":\"headwater\","
                + "\"message\":\"stream closed\",\"reason\":\"drain\",\"events\":12,\"age_seconds\":3.250}\n"
        )
    }

    @Test(arguments: ["\"quoted\"", "back\\slash", "two\nlines", "tab\t", "\u{1B}[31m", "\0", "é😀", ""])
    func everyTextComesBackFromAParser(text: String) throws {
        let line = self.json(text, [(text + "key", text + "value")])
        #expect(line.filter { $0 == "\n" }.count == 1)
        let object = try self.parse(line)
        #expect(object["message"] as? String == text)
        #expect(object[text + "key"] as? String == text + "value")
    }

    @Test(arguments: ["0", "7", "12", "0.5", "10.25", "123456789012345", "12345678901.000"])
    func aPlainNumberOfAQuantityIsANumber(text: String) throws {
        for name in ["events", "bytes", "age_seconds", "backlog_bytes", "connection"] {
            let line = self.json("m", [(name, text)])
            #expect(line.hasSuffix("\"\(name)\":\(text)}\n"))
            #expect(try self.parse(line)[name] is NSNumber)
        }
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "1.2.3", "007", "00", "-1", "+1", "1e5", "0x10", "1 ", "true", "null", "NaN", "١",
        "1234567890123456", "127.0.0.1",
    ])
    func anythingElseIsAString(text: String) throws {
        let object = try self.parse(self.json("m", [("events", text)]))
        #expect(object["events"] as? String == text)
    }

    @Test(arguments: ["channel", "path", "peer", "reason", "version"])
    func aFieldThatIsNoQuantityIsAStringWhateverItHolds(name: String) throws {
        #expect(try self.parse(self.json("m", [(name, "42")]))[name] as? String == "42")
    }

    @Test func textIsForPeople() {
        let line = LineLogHandler.text(
            time: "T", level: .warning, message: "stream closed", fields: [("reason", "drain"), ("text", "two words")]
        )
        #expect(line == "T warning stream closed reason=drain text=\"two words\"\n")
    }
}
