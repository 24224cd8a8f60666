// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import EventStream

@Suite("A decoder bounds what it holds")
struct EventStreamLimitsTests {
    private func decode(_ text: String, _ limits: EventStreamLimits) -> DecodedStream {
        DecodedStream([Array(text.utf8)], decoder: EventStreamDecoder(limits: limits))
    }

    @Test(arguments: ["\n", "\r", "\r\n"])
    func lineAtTheLimitPassesAndOneByteMoreFails(lineEnd: String) {
        let limits = EventStreamLimits(maximumLineBytes: 9)
        let fits = decode("data: 123\(lineEnd)\(lineEnd)", limits)
        #expect(fits.error == nil)
        #expect(fits.items.count == 1)
        let tooLong = decode("data: 1234\(lineEnd)\(lineEnd)", limits)
        #expect(tooLong.error == .lineTooLong(limit: 9))
        #expect(tooLong.items.isEmpty)
    }

    @Test func lineThatHasNotEndedFailsWithTheFirstByteTooMany() {
        let limits = EventStreamLimits(maximumLineBytes: 9)
        #expect(decode("data: 123", limits).error == nil)
        #expect(decode("data: 1234", limits).error == .lineTooLong(limit: 9))
    }

    @Test(arguments: [": 34567890", "unknown: 0", "id: 567890", "event: 890"])
    func limitHoldsForEveryKindOfLine(line: String) {
        #expect(decode(line + "\n", EventStreamLimits(maximumLineBytes: 10)).error == nil)
        #expect(decode(line + "\n", EventStreamLimits(maximumLineBytes: 9)).error == .lineTooLong(limit: 9))
    }

    @Test(arguments: [1, 2, 3, 4, 100])
    func byteOrderMarkDoesNotCountHoweverItIsCut(size: Int) {
        let decoder = EventStreamDecoder(limits: EventStreamLimits(maximumLineBytes: 1))
        for (text, error) in [("\u{FEFF}x\n", nil), ("\u{FEFF}xy\n", EventStreamError.lineTooLong(limit: 1))] {
            let bytes = Array(text.utf8)
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            }
            #expect(DecodedStream(pieces, decoder: decoder).error == error)
        }
    }

    @Test func eventAtTheLimitPassesAndOneByteMoreFails() {
        let limits = EventStreamLimits(maximumEventBytes: 5)
        #expect(decode("data: 12345\n\n", limits).items.count == 1)
        #expect(decode("data: 123456\n\n", limits).error == .eventTooLarge(limit: 5))
        // The LF between two lines is part of the data.
        #expect(decode("data: 12\ndata: 45\n\n", limits).items.count == 1)
        #expect(decode("data: 12\ndata: 456\n\n", limits).error == .eventTooLarge(limit: 5))
        #expect(decode("data: 12345\ndata\n\n", limits).error == .eventTooLarge(limit: 5))
    }

    @Test func eventLimitCountsEachEventAnew() {
        let limits = EventStreamLimits(maximumEventBytes: 5)
        let stream = decode(String(repeating: "id: 1\ndata: 12345\n\n", count: 100), limits)
        #expect(stream.error == nil)
        #expect(stream.items.count == 100)
    }

    @Test func itemsBeforeTheErrorArriveAndTheErrorStays() throws {
        var decoder = EventStreamDecoder(limits: EventStreamLimits(maximumLineBytes: 10))
        var items: [EventStreamDecoder.Item] = []
        var buffer = ByteBuffer(string: "data: a\n\ndata: too long\n\ndata: b\n\n")
        #expect(throws: EventStreamError.lineTooLong(limit: 10)) { try decoder.decode(&buffer) { items.append($0) } }
        #expect(items == [DecodingRule.event("a")])
        #expect(buffer.readableBytes == 0)

        var more = ByteBuffer(string: "data: c\n\n")
        #expect(throws: EventStreamError.lineTooLong(limit: 10)) { try decoder.decode(&more) { items.append($0) } }
        #expect(items.count == 1)

        decoder.beginStream()
        var next = ByteBuffer(string: "data: d\n\n")
        try decoder.decode(&next) { items.append($0) }
        #expect(items.count == 2)
    }

    @Test func defaultLimitsTakeAnEventOfOneMebibyteOnOneLine() {
        let data = String(repeating: "x", count: 1 << 20)
        #expect(decode("data: \(data)\n\n", EventStreamLimits()).error == nil)
    }

    @Test func memoryOfAnUnfinishedLineGrowsByDoublingHoweverSmallThePieces() throws {
        // Each growth copies the line; were there one per piece, a line would cost the square of its length.
        var decoder = EventStreamDecoder()
        var growths = 0
        let length = 1 << 20
        var input = ByteBuffer(string: "data: " + String(repeating: "x", count: length - 6))
        while var byte = input.readSlice(length: 1) {
            let before = decoder.carriedCapacity
            try decoder.decode(&byte) { _ in }
            if decoder.carriedCapacity != before { growths += 1 }
        }
        #expect(decoder.carriedCapacity >= length)
        #expect(growths <= 21)

        var data = ""
        var end = ByteBuffer(string: "\n\n")
        try decoder.decode(&end) { if case .event(let event) = $0 { data = event.data } }
        #expect(data.utf8.count == length - 6)
        #expect(decoder.carriedCapacity <= 16 << 10, "one large line must not keep its memory")
    }

    @Test(arguments: [
        EventStreamError.lineTooLong(limit: 7), .eventTooLarge(limit: 7), .lineBreakInType, .lineBreakInID, .nullInID,
        .retryOutOfRange(-7),
    ])
    func errorSaysWhatToDo(error: EventStreamError) {
        let advice = ["raise the", "remove", "give milliseconds"]
        #expect(advice.contains { error.description.contains($0) }, "\(error)")
    }
}
