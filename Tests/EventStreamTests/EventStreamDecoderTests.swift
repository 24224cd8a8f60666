// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore
import Testing

/// One rule of the specification: a stream, and what must come of it.
struct DecodingRule: Sendable, CustomTestStringConvertible {
    let rule: String
    let stream: [UInt8]
    let items: [EventStreamDecoder.Item]
    let lastEventID: String
    let reconnectionTime: Int?

    init(
        _ rule: String,
        _ stream: String,
        _ items: [EventStreamDecoder.Item],
        lastEventID: String = "",
        reconnectionTime: Int? = nil
    ) {
        self.init(rule, Array(stream.utf8), items, lastEventID: lastEventID, reconnectionTime: reconnectionTime)
    }

    init(
        _ rule: String,
        _ stream: [UInt8],
        _ items: [EventStreamDecoder.Item],
        lastEventID: String = "",
        reconnectionTime: Int? = nil
    ) {
        self.rule = rule
        self.stream = stream
        self.items = items
        self.lastEventID = lastEventID
        self.reconnectionTime = reconnectionTime
    }

    var testDescription: String { rule }

    var expected: DecodedStream {
        DecodedStream(items: items, lastEventID: lastEventID, reconnectionTime: reconnectionTime)
    }

    /// An event as the tables below write it.
    static func event(
        _ data: String,
        type: String? = nil,
        id: String? = nil,
        retry: Int? = nil,
        last: String? = nil
    ) -> EventStreamDecoder.Item {
        .event(ServerSentEvent(type: type, data: data, id: id, retry: retry, lastEventID: last))
    }
}

@Suite("An event stream is decoded by the rules of HTML, section 9.2")
struct EventStreamDecoderTests {
    @Test(arguments: DecodingRule.all)
    func wholeStreamGivesWhatTheRuleSays(rule: DecodingRule) {
        #expect(DecodedStream([rule.stream]) == rule.expected)
    }

    @Test(arguments: DecodingRule.all)
    func singleBytesGiveWhatTheRuleSays(rule: DecodingRule) {
        #expect(DecodedStream(rule.stream.map { [$0] }) == rule.expected)
    }

    @Test(arguments: DecodingRule.all)
    func everyCutInTwoGivesWhatTheRuleSays(rule: DecodingRule) {
        for cut in 0...rule.stream.count {
            let pieces = [Array(rule.stream[..<cut]), Array(rule.stream[cut...])]
            #expect(DecodedStream(pieces) == rule.expected, "cut at \(cut)")
        }
    }

    @Test(arguments: DecodingRule.all)
    func referenceDecoderAgreesWithTheTable(rule: DecodingRule) {
        #expect(ReferenceDecoder.decode(rule.stream) == rule.expected)
    }

    @Test(arguments: [
        ("data: a\r\r", 1), ("data: a\r\n\r", 1), ("data: a\n\r", 1), ("data: a\r\n\r\n", 1), ("data: a\n\n", 1),
        ("data: a\r", 0), ("data: a\r\n", 0),
    ])
    func eventIsDispatchedWithTheByteThatEndsItsBlankLine(stream: String, events: Int) {
        #expect(DecodedStream([Array(stream.utf8)]).items.count == events)
        #expect(DecodedStream(stream.utf8.map { [$0] }).items.count == events)
    }

    @Test func lineFeedAfterACarriageReturnInTheNextPieceEndsNoSecondLine() {
        // Were the LF a line of its own, it would end the block between the two data lines.
        let stream = DecodedStream([Array("data: a\r".utf8), [], Array("\ndata: b\n\n".utf8)])
        #expect(stream.items == [spelledOut(DecodingRule.event("a\nb"))])
    }

    @Test func commentsAreLeftOutWhenNotAskedFor() {
        let decoder = EventStreamDecoder(reportsComments: false)
        let stream = DecodedStream([Array(": beat\ndata: a\n\n:\n".utf8)], decoder: decoder)
        #expect(stream.items == [spelledOut(DecodingRule.event("a"))])
    }

    @Test func readerIndexMovesPastEverythingThatWasRead() throws {
        var decoder = EventStreamDecoder()
        var buffer = ByteBuffer(string: "data: a\n\ndata: unfinished")
        try decoder.decode(&buffer) { _ in }
        #expect(buffer.readableBytes == 0)
        #expect(decoder.hasUnfinishedEvent)
    }

    @Test func viewIsReadLikeABuffer() throws {
        var decoder = EventStreamDecoder()
        var items: [EventStreamDecoder.Item] = []
        let buffer = ByteBuffer(string: "xxdata: a\n\n")
        try decoder.decode(buffer.readableBytesView.dropFirst(2)) { items.append($0) }
        #expect(items == [DecodingRule.event("a")])
    }

    @Test(arguments: [
        ("", false), (": beat\n", false), ("data: a\n\n", false), ("unknown\n", false), ("data: a\n\r", false),
        ("d", true), (":", true), ("data: a\n", true), ("id: 1\n", true), ("retry: 1\n", true), ("event: x\n", true),
    ])
    func unfinishedEventIsReported(stream: String, unfinished: Bool) throws {
        var decoder = EventStreamDecoder()
        var buffer = ByteBuffer(string: stream)
        try decoder.decode(&buffer) { _ in }
        #expect(decoder.hasUnfinishedEvent == unfinished)
    }

    @Test func nextStreamForgetsTheUnfinishedEventAndKeepsIDAndReconnectionTime() throws {
        var decoder = EventStreamDecoder()
        var first = ByteBuffer(string: "id: 1\nretry: 5\ndata: a\n\nid: 2\nevent: x\ndata: cut o\r")
        try decoder.decode(&first) { _ in }
        decoder.beginStream()
        #expect(!decoder.hasUnfinishedEvent)
        #expect(decoder.lastEventID == "1")
        #expect(decoder.reconnectionTime == 5)

        // A byte order mark counts again.
        var items: [String] = []
        var second = ByteBuffer(string: "\u{FEFF}data: b\n\n")
        try decoder.decode(&second) { items.append(spelledOut($0)) }
        #expect(items == [spelledOut(DecodingRule.event("b", last: "1"))])
    }

    @Test func lineFeedAtTheStartOfTheNextStreamIsNotTheRestOfTheOldOne() throws {
        var decoder = EventStreamDecoder()
        var first = ByteBuffer(string: "data: a\r")
        try decoder.decode(&first) { _ in }
        decoder.beginStream()
        // The LF is a first line of its own, so the byte order mark after it is none.
        var items: [EventStreamDecoder.Item] = []
        var second = ByteBuffer(string: "\n\u{FEFF}data: b\n\n")
        try decoder.decode(&second) { items.append($0) }
        #expect(items.isEmpty)
    }

    @Test func lastEventIDFromBeforeIsCarriedByEventsWithoutOne() {
        let decoder = EventStreamDecoder(lastEventID: "41")
        let stream = DecodedStream([Array("data: a\n\n".utf8)], decoder: decoder)
        #expect(stream.items == [spelledOut(DecodingRule.event("a", last: "41"))])
    }

    @Test(arguments: [(nil, "message"), ("", "message"), ("gap", "gap")])
    func eventWithoutTypeIsAMessage(type: String?, effective: String) {
        #expect(ServerSentEvent(type: type, data: "").effectiveType == effective)
    }
}
