// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK
import Testing

@testable import Transport

/// The session with a sink: what arrives, and that the short way of a DATA frame keeps the rules of the long one.
@Suite struct ClientHTTP2SinkTests {
    final class Keeper: HTTPBodySink {
        var story: [String] = []

        func received(_ bytes: UnsafeRawBufferPointer, token: UInt32, arrival: HTTPArrival) {
            story.append("\(token): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    /// Two streams with the tokens 10 and 11; the frames in pieces; what the sink got, and the other events.
    private static func story(
        _ frames: [ByteBuffer], pieces: [Int] = [], limits: HTTPClientLimits = HTTPClientLimits()
    ) -> (sink: [String], events: [String], output: Int) {
        var session = HTTP2ClientSession(limits: limits, seed: 1)
        session.receive(RawFrame.settings)
        while session.nextEvent() != nil {}
        _ = session.takeOutput()
        for token: UInt32 in [10, 11] {
            _ = session.open(HPACKHeaders(), endStream: true, isHead: false, consumesAtOnce: true, token: token)
        }
        _ = session.takeOutput()
        var bytes = ByteBuffer()
        for frame in frames { bytes.writeImmutableBuffer(frame) }
        let keeper = Keeper()
        var events: [String] = []
        var start = 0
        for end in pieces + [bytes.readableBytes] where end >= start {
            session.receive(bytes.getSlice(at: start, length: end - start) ?? ByteBuffer())
            start = end
            while true {
                session.deliverContent(to: keeper, arrival: HTTPArrival(time: 1, read: 1))
                guard let event = session.nextEvent() else { break }
                if case .data(let slot, let bytes) = event {
                    // As the connection does with what took the long way.
                    keeper.story.append("\(session.table[slot.index].token): \(String(buffer: bytes))")
                } else {
                    events.append(name(event))
                }
            }
        }
        return (keeper.story, events, session.output.count)
    }

    private static func name(_ event: HTTP2ClientEvent) -> String {
        switch event {
        case .head(let slot, let status, _): "\(slot.index) head \(status)"
        case .complete(let slot, _): "\(slot.index) complete"
        case .failed(let slot, .malformed): "\(slot.index) stream error"
        case .failed(let slot, let error): "\(slot.index) \(error)"
        case .connectionError(let code, _): "connection error \(code)"
        default: "other"
        }
    }

    private static func data(_ stream: UInt32, _ text: String, flags: UInt8 = 0) -> ByteBuffer {
        RawFrame.bytes(0, flags: flags, stream: stream, Array(text.utf8))
    }

    private static let frames = [
        RawFrame.ok(stream: 1), RawFrame.ok(stream: 3), data(1, "a"), data(3, "bb"),
        RawFrame.bytes(6, [0, 0, 0, 0, 0, 0, 0, 0]),
        data(1, ""), data(1, "ccc"), data(5, "x"), data(3, "d", flags: 1), data(1, "e"),
    ]

    @Test func framesReachTheSinkInOrderHoweverTheyAreCut() {
        let frames = Self.frames.filter { $0 != Self.data(5, "x") }
        let count = frames.reduce(0) { $0 + $1.readableBytes }
        let sink = ["10: a", "11: bb", "10: ccc", "11: d", "10: e"]
        let events = ["0 head 200", "1 head 200", "1 complete"]
        for cut in 0...count {
            for second in cut...count {
                let story = Self.story(frames, pieces: [cut, second])
                #expect(story.sink == sink)
                #expect(story.events == events)
            }
        }
        #expect(Self.story(frames, pieces: Array(0...count)).sink == sink)
    }

    @Test func frameOfAStreamThatNeverWasEndsTheConnection() {
        let story = Self.story(Self.frames)
        #expect(story.sink == ["10: a", "11: bb", "10: ccc"])
        #expect(story.events.last == "connection error PROTOCOL_ERROR")
    }

    @Test func paddingIsNoContent() {
        let padded = RawFrame.bytes(0, flags: 8, stream: 1, [1] + Array("ab".utf8) + [0])
        #expect(Self.story([RawFrame.ok(stream: 1), padded]).sink == ["10: ab"])
    }

    @Test func dataBeforeTheHeadIsAStreamError() {
        let story = Self.story([Self.data(1, "a")])
        #expect(story.sink.isEmpty)
        #expect(story.events == ["0 stream error"])
    }

    @Test func windowsAreGivenBackAndKept() {
        var limits = HTTPClientLimits()
        limits.streamWindow = 65_535
        limits.connectionWindow = 65_535
        let frame = Self.data(1, String(repeating: "x", count: 16_384))
        // Half of both windows has come back after two.
        #expect(Self.story([RawFrame.ok(stream: 1), frame], limits: limits).output == 0)
        #expect(Self.story([RawFrame.ok(stream: 1), frame, frame], limits: limits).output == 2 * 13)
        let flood = Self.story([RawFrame.ok(stream: 1)] + Array(repeating: frame, count: 40), limits: limits)
        #expect(flood.sink.count == 40)
        #expect(flood.output == 40 * 13)
    }

    @Test func streamThatOverrunsItsWindowIsReset() {
        var session = HTTP2ClientSession(limits: HTTPClientLimits(), seed: 1)
        session.receive(RawFrame.settings)
        while session.nextEvent() != nil {}
        _ = session.open(HPACKHeaders(), endStream: true, isHead: false, consumesAtOnce: false, token: 10)
        session.receive(RawFrame.ok(stream: 1))
        let keeper = Keeper()
        let frame = Self.data(1, String(repeating: "x", count: 16_384))
        // Nothing is consumed: the window is 1 MiB.
        for _ in 0..<65 { session.receive(frame) }
        var events: [String] = []
        while true {
            session.deliverContent(to: keeper, arrival: HTTPArrival(time: 1, read: 1))
            guard let event = session.nextEvent() else { break }
            events.append(Self.name(event))
        }
        #expect(keeper.story.count == 64)
        #expect(events == ["0 head 200", "0 stream error"])
    }
}
