// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The rules, each with the section of https://html.spec.whatwg.org/multipage/server-sent-events.html that makes it.
extension DecodingRule {
    static let all = lineEnds + byteOrderMarks + comments + fields + ids + retries + dispatch + encoding

    // 9.2.5: end-of-line = ( cr lf / cr / lf )
    private static let lineEnds = [
        DecodingRule("LF ends a line", "data: a\n\n", [event("a")]),
        DecodingRule("CR ends a line", "data: a\r\r", [event("a")]),
        DecodingRule("CRLF ends one line", "data: a\r\n\r\n", [event("a")]),
        DecodingRule("line ends may be mixed", "data: a\rdata: b\ndata: c\r\n\r", [event("a\nb\nc")]),
        DecodingRule("LF CR are two line ends", "data: a\n\rdata: b\n\n", [event("a"), event("b")]),
        DecodingRule("CR CR LF are two line ends", "data: a\r\r\ndata: b\r\r\n", [event("a"), event("b")]),
        DecodingRule("CRLF LF are two line ends", "data: a\r\n\ndata: b\n\n", [event("a"), event("b")]),
        DecodingRule(
            "other line separators end no line", "data: a\u{2028}\u{85}\u{B}\u{C}b\n\n",
            [
                event("a\u{2028}\u{85}\u{B}\u{C}b")
            ]),
    ]

    // 9.2.5: stream = [ bom ] *event; 9.2.6: "UTF-8 decode … strips one leading UTF-8 Byte Order Mark"
    private static let byteOrderMarks = [
        DecodingRule("leading byte order mark is stripped", "\u{FEFF}data: a\n\n", [event("a")]),
        DecodingRule("second byte order mark is part of the name", "\u{FEFF}\u{FEFF}data: a\n\n", []),
        DecodingRule("byte order mark later on is part of the name", "data: a\n\n\u{FEFF}data: b\n\n", [event("a")]),
        DecodingRule("byte order mark after a blank line is no mark", "\n\u{FEFF}data: b\n\n", []),
        DecodingRule("byte order mark in data stays", "data: \u{FEFF}a\n\n", [event("\u{FEFF}a")]),
        DecodingRule("byte order mark alone on the first line leaves it blank", "\u{FEFF}\ndata: a\n\n", [event("a")]),
        DecodingRule("part of a byte order mark is part of the name", [0xEF, 0xBB] + Array("data: a\n\n".utf8), []),
    ]

    // 9.2.6: "If the line starts with a U+003A COLON character (:): Ignore the line."
    private static let comments = [
        DecodingRule("comment is reported without colon and space", ": beat\n", [.comment("beat")]),
        DecodingRule("comment may be empty", ":\n", [.comment("")]),
        DecodingRule("comment loses one space only", ":  a:b \n", [.comment(" a:b ")]),
        DecodingRule("comment does not end a block", "data: a\n: c\ndata: b\n\n", [.comment("c"), event("a\nb")]),
        DecodingRule("comment and blank line dispatch nothing", ": c\n\n", [.comment("c")]),
    ]

    // 9.2.6: field names, the colon and the one space
    private static let fields = [
        DecodingRule("space after the colon is optional", "data:a\n\n", [event("a")]),
        DecodingRule("one leading space is stripped", "data:  a \n\n", [event(" a ")]),
        DecodingRule("tab is not stripped", "data:\ta\n\n", [event("\ta")]),
        DecodingRule("value may hold colons", "data:a: b:\n\n", [event("a: b:")]),
        DecodingRule("field without colon has an empty value", "data\n\n", [event("")]),
        DecodingRule("each line without colon is a line of data", "data\ndata\n\n", [event("\n")]),
        DecodingRule("name without colon must match as a whole", "datax\ndat\n\n", []),
        DecodingRule("unknown fields are ignored", "foo: 1\ndata: a\nfoo\n\n", [event("a")]),
        DecodingRule("names are case-sensitive", "Data: a\nDATA: b\n\n", []),
        DecodingRule("space before the name belongs to it", " data: a\n\n", []),
        DecodingRule("space before the colon belongs to the name", "data : a\n\n", []),
        DecodingRule("NUL in data stays", "data: a\0b\n\n", [event("a\0b")]),
        DecodingRule("NUL in a name belongs to it", "data\0: a\n\n", []),
    ]

    // 9.2.6: "If the field name is 'id'", and step 1 of dispatching
    private static let ids = [
        DecodingRule("id becomes the last event ID", "id: 1\ndata: a\n\n", [event("a", id: "1")], lastEventID: "1"),
        DecodingRule(
            "last event ID lasts over events without one",
            "id: 1\ndata: a\n\ndata: b\n\n",
            [event("a", id: "1"), event("b", last: "1")],
            lastEventID: "1"
        ),
        DecodingRule(
            "id counts wherever it stands in the block", "data: a\nid: 1\n\n", [event("a", id: "1")], lastEventID: "1"),
        DecodingRule("last id of a block counts", "id: 1\nid: 2\ndata\n\n", [event("", id: "2")], lastEventID: "2"),
        DecodingRule(
            "empty id clears the last event ID",
            "id: 1\ndata: a\n\nid\ndata: b\n\n",
            [event("a", id: "1"), event("b", id: "")]
        ),
        DecodingRule(
            "id with NUL is ignored",
            "id: 1\n\nid: 2\0\ndata: a\n\n",
            [.update(id: "1", retry: nil), event("a", last: "1")],
            lastEventID: "1"
        ),
        DecodingRule(
            "id of a block without data counts", "id: 1\n\n", [.update(id: "1", retry: nil)], lastEventID: "1"),
        DecodingRule(
            "id counts at the blank line only", "id: 1\n\nid: 2\n", [.update(id: "1", retry: nil)], lastEventID: "1"),
        DecodingRule("id keeps further spaces", "id:  1 \n\n", [.update(id: " 1 ", retry: nil)], lastEventID: " 1 "),
    ]

    // 9.2.6: "If the field name is 'retry'"
    private static let retries = [
        DecodingRule(
            "retry sets the reconnection time", "retry: 3000\n\n", [.update(id: nil, retry: 3000)],
            reconnectionTime: 3000),
        DecodingRule("retry counts without a blank line", "retry: 3000\n", [], reconnectionTime: 3000),
        DecodingRule(
            "event carries the retry of its block", "retry: 7\ndata: a\n\ndata: b\n\n",
            [event("a", retry: 7), event("b")], reconnectionTime: 7),
        DecodingRule("retry may be zero", "retry:0\n\n", [.update(id: nil, retry: 0)], reconnectionTime: 0),
        DecodingRule("retry is in base ten", "retry: 010\n\n", [.update(id: nil, retry: 10)], reconnectionTime: 10),
        DecodingRule("retry with a sign is ignored", "retry: -1\nretry: +1\n\n", []),
        DecodingRule(
            "retry with other characters is ignored",
            "retry: 1s\nretry: 1.5\nretry: 0x1\nretry:  1\nretry: 1 \n\n", []),
        DecodingRule("retry with other digits is ignored", "retry: \u{661}\n\n", []),
        DecodingRule(
            "retry without value is ignored", "retry: 5\nretry\nretry:\n\n", [.update(id: nil, retry: 5)],
            reconnectionTime: 5),
        DecodingRule(
            "retry beyond any integer is cut down",
            "retry: 99999999999999999999999999999999999999\n\n",
            [.update(id: nil, retry: 2_147_483_647)],
            reconnectionTime: 2_147_483_647
        ),
    ]

    // 9.2.6: "dispatch the event", and "Once the end of the file is reached, any pending data must be discarded"
    private static let dispatch = [
        DecodingRule("event has a type", "event: x\ndata: a\n\n", [event("a", type: "x")]),
        DecodingRule("last type of a block counts", "event: x\nevent: y\ndata: a\n\n", [event("a", type: "y")]),
        DecodingRule("empty type is no type", "event: x\nevent\ndata: a\n\n", [event("a")]),
        DecodingRule("type does not last", "event: x\ndata: a\n\ndata: b\n\n", [event("a", type: "x"), event("b")]),
        DecodingRule(
            "event without data is not dispatched and its type is reset", "event: x\n\ndata: a\n\n", [event("a")]),
        DecodingRule("data lines are joined by LF", "data: a\ndata\ndata: b\n\n", [event("a\n\nb")]),
        DecodingRule("one LF at the end is stripped", "data: a\ndata:\n\n", [event("a\n")]),
        DecodingRule("empty data is dispatched", "data:\n\n", [event("")]),
        DecodingRule("blank lines alone do nothing", "\n\r\n\r\n\n", []),
        DecodingRule("unfinished event is discarded", "data: a\n\ndata: b\n", [event("a")]),
        DecodingRule("unfinished line is discarded", "data: a\n\ndata: b", [event("a")]),
        DecodingRule("empty stream gives nothing", "", []),
        // The examples of section 9.2.5.
        DecodingRule("example of stock quotes", "data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]),
        DecodingRule(
            "example of four blocks",
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [
                .comment("test stream"), event("first event", id: "1"), event("second event", id: ""),
                event(" third event"),
            ]
        ),
        DecodingRule("example of empty data", "data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]),
        DecodingRule("example of two identical events", "data:test\n\ndata: test\n\n", [event("test"), event("test")]),
    ]

    // Encoding standard, "UTF-8 decode": ill-formed sequences become U+FFFD, one per maximal part
    private static let encoding = [
        DecodingRule("text is UTF-8", "data: é€😀\n\n", [event("é€😀")]),
        DecodingRule("stray byte is replaced", bytes("data: a", [0xFF], "b\n\n"), [event("a\u{FFFD}b")]),
        DecodingRule("cut sequence is replaced once", bytes("data: a", [0xE2, 0x82], "b\n\n"), [event("a\u{FFFD}b")]),
        DecodingRule(
            "sequence cut by a line end is replaced", bytes("data: a", [0xF0, 0x9F, 0x98], "\n\n"), [event("a\u{FFFD}")]
        ),
        DecodingRule(
            "overlong form is replaced byte by byte", bytes("data: ", [0xC0, 0x80], "\n\n"), [event("\u{FFFD}\u{FFFD}")]
        ),
        DecodingRule(
            "surrogate is replaced byte by byte", bytes("data: ", [0xED, 0xA0, 0x80], "\n\n"),
            [event("\u{FFFD}\u{FFFD}\u{FFFD}")]),
        DecodingRule(
            "ids, types and comments are repaired too",
            bytes(":", [0xFF], "\nid:") + bytes("", [0xFF], "\nevent:") + bytes("", [0xFF], "\ndata\n\n"),
            [
                .comment("\u{FFFD}"), event("", type: "\u{FFFD}", id: "\u{FFFD}"),
            ], lastEventID: "\u{FFFD}"),
        DecodingRule("name with an ill-formed byte matches nothing", bytes("data", [0xFF], ": a\n\n"), []),
    ]

    private static func bytes(_ before: String, _ illFormed: [UInt8], _ after: String) -> [UInt8] {
        Array(before.utf8) + illFormed + Array(after.utf8)
    }
}
