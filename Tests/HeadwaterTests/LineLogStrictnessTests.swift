// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import headwater

@Suite struct LineLogStrictnessTests {
    @Test(arguments: ["two\nlines", "carriage\rreturn", "\u{1B}[31mred", "quote\"and space"])
    func aValueCannotBreakOrForgeALineOfText(value: String) {
        let line = LineLogHandler.text(time: "T", level: .info, message: value, fields: [("key", value)])
        #expect(line.utf8.count { $0 < 0x20 } == 1, "only the line's own end")
        #expect(line.utf8.last == 0x0A)
        #expect(!line.contains("\"quote\"and"))
    }
}
