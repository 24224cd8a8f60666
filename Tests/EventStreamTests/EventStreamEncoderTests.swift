// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore
import Testing

@Suite("Events are written by the grammar of HTML, section 9.2.5")
struct EventStreamEncoderTests {
    @Test(arguments: [
        ("", "data: \n\n"),
        ("a", "data: a\n\n"),
        (" a", "data:  a\n\n"),
        ("a\nb", "data: a\ndata: b\n\n"),
        ("a\rb", "data: a\ndata: b\n\n"),
        ("a\r\nb", "data: a\ndata: b\n\n"),
        ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
        ("a\r\r\nb", "data: a\ndata: \ndata: b\n\n"),
        ("a\n", "data: a\ndata: \n\n"),
        ("\n", "data: \ndata: \n\n"),
        ("\r\n", "data: \ndata: \n\n"),
        ("a\r", "data: a\ndata: \n\n"),
        (": a", "data: : a\n\n"),
        ("\u{FEFF}é\0", "data: \u{FEFF}é\0\n\n"),
    ])
    func eachLineOfTheDataGetsItsOwnField(data: String, wire: String) throws {
        let bytes = Array(data.utf8)
        var fromString = ByteBuffer()
        try EventStreamEncoder.encode(data: data, into: &fromString)
        #expect(Array(fromString.readableBytesView) == Array(wire.utf8))
        var fromBytes = ByteBuffer()
        try EventStreamEncoder.encode(data: bytes, into: &fromBytes)
        #expect(fromBytes == fromString)
        var fromView = ByteBuffer()
        try EventStreamEncoder.encode(data: ByteBuffer(bytes: bytes).readableBytesView, into: &fromView)
        #expect(fromView == fromString)
    }

    @Test func allFieldsAreWrittenBehindWhatTheBufferHolds() throws {
        var buffer = ByteBuffer(string: "before|")
        try EventStreamEncoder.encode(data: "a\nb", type: "tick", id: "7.1", retry: 3000, into: &buffer)
        #expect(String(buffer: buffer) == "before|id: 7.1\nevent: tick\nretry: 3000\ndata: a\ndata: b\n\n")
    }

    @Test func emptyTypeIsLeftOutAndEmptyIDIsNot() throws {
        var buffer = ByteBuffer()
        try EventStreamEncoder.encode(data: "a", type: "", id: "", into: &buffer)
        #expect(String(buffer: buffer) == "id: \ndata: a\n\n")
    }

    @Test func bytesThatAreNotUTF8AreWrittenAsTheyAre() throws {
        var buffer = ByteBuffer()
        try EventStreamEncoder.encode(data: [0xFF, 0x0D, 0xC3], into: &buffer)
        #expect(
            Array(buffer.readableBytesView) == Array("data: ".utf8) + [0xFF, 0x0A] + Array("data: ".utf8) + [
                0xC3, 0x0A, 0x0A,
            ])
    }

    @Test func dataMayBeAViewOfTheVeryBufferThatIsWritten() throws {
        var buffer = ByteBuffer(string: "a\nb")
        try EventStreamEncoder.encode(data: buffer.readableBytesView, into: &buffer)
        #expect(String(buffer: buffer) == "a\nbdata: a\ndata: b\n\n")
    }

    @Test(
        arguments: [
            ("1", nil, "id: 1\n\n"), (nil, 0, "retry: 0\n\n"), ("1", 5, "id: 1\nretry: 5\n\n"), ("", nil, "id: \n\n"),
            (nil, nil, ""),
        ] as [(String?, Int?, String)])
    func updateWritesABlockWithoutData(id: String?, retry: Int?, wire: String) throws {
        var buffer = ByteBuffer()
        try EventStreamEncoder.encodeUpdate(id: id, retry: retry, into: &buffer)
        #expect(String(buffer: buffer) == wire)
    }

    @Test(arguments: [
        ("", ":\n"), ("connected", ": connected\n"), (" a", ":  a\n"), ("a\r\nb\rc\nd", ": a\n: b\n: c\n: d\n"),
        ("a\n", ": a\n: \n"), ("data: x\n\ndata: y", ": data: x\n: \n: data: y\n"),
    ])
    func commentCannotBreakOutOfItsLines(text: String, wire: String) {
        var buffer = ByteBuffer()
        EventStreamEncoder.encodeComment(text, into: &buffer)
        #expect(String(buffer: buffer) == wire)
    }

    @Test(
        arguments: [
            (ServerSentEvent(type: "a\nb", data: ""), .lineBreakInType),
            (ServerSentEvent(type: "a\r", data: ""), .lineBreakInType),
            (ServerSentEvent(type: "\r\n", data: ""), .lineBreakInType),
            (ServerSentEvent(data: "", id: "1\n"), .lineBreakInID),
            (ServerSentEvent(data: "", id: "\r1"), .lineBreakInID),
            (ServerSentEvent(data: "", id: "1\r\n2"), .lineBreakInID),
            (ServerSentEvent(data: "", id: "1\0"), .nullInID),
            (ServerSentEvent(data: "", retry: -1), .retryOutOfRange(-1)),
            (ServerSentEvent(data: "", retry: 2_147_483_648), .retryOutOfRange(2_147_483_648)),
            (ServerSentEvent(data: "", retry: .max), .retryOutOfRange(.max)),
        ] as [(ServerSentEvent, EventStreamError)])
    func fieldThatCannotBeWrittenIsRejectedAndNothingIsWritten(event: ServerSentEvent, error: EventStreamError) {
        var buffer = ByteBuffer()
        #expect(throws: error) { try EventStreamEncoder.encode(event, into: &buffer) }
        if event.type == nil {
            #expect(throws: error) {
                try EventStreamEncoder.encodeUpdate(id: event.id, retry: event.retry, into: &buffer)
            }
        }
        #expect(buffer.readableBytes == 0)
    }

    @Test func typeMayHoldWhatOnlyAnIDMayNot() throws {
        var buffer = ByteBuffer()
        try EventStreamEncoder.encode(data: "", type: "a\0", into: &buffer)
        #expect(
            DecodedStream([Array(buffer.readableBytesView)]).items == [spelledOut(DecodingRule.event("", type: "a\0"))])
    }
}
