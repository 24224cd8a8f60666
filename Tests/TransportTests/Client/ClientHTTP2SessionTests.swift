// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK
import Testing

@testable import Transport

/// The session without a socket: rules of RFC 9113 that a client meets.
@Suite struct ClientHTTP2SessionTests {
    private static func opened(_ limits: HTTPClientLimits = HTTPClientLimits()) -> HTTP2ClientSession {
        var session = HTTP2ClientSession(limits: limits, seed: 1)
        session.receive(RawFrame.settings)
        while session.nextEvent() != nil {}
        let taken = session.takeOutput()
        session.outputFlushed(taken.readableBytes)
        return session
    }

    /// Opens stream 1, feeds the frames, and names what comes of it.
    private static func story(_ frames: [ByteBuffer], isHead: Bool = false) -> [String] {
        var session = opened()
        _ = session.open(HPACKHeaders(), endStream: true, isHead: isHead, consumesAtOnce: true)
        for frame in frames { session.receive(frame) }
        var story: [String] = []
        while let event = session.nextEvent() { story.append(name(event)) }
        return story
    }

    private static func name(_ event: HTTP2ClientEvent) -> String {
        switch event {
        case .opened: "opened"
        case .informational(_, let status, _): "informational \(status)"
        case .head(_, let status, _): "head \(status)"
        case .data(_, let bytes): "data \(String(buffer: bytes))"
        case .complete(_, let trailers): trailers.isEmpty ? "complete" : "complete with trailers"
        case .failed(_, .streamReset(let code, _)): "reset \(code)"
        case .failed(_, .malformed): "stream error"
        case .failed(_, let error): "failed \(error)"
        case .goAway(let evidence): "go away \(evidence.code)"
        case .connectionError(let code, _): "connection error \(code)"
        }
    }

    private static func fields(_ fields: HPACKHeaders, flags: UInt8 = 4) -> ByteBuffer {
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator(), useHuffmanEncoding: false, maxDynamicTableSize: 0)
        var block = ByteBuffer()
        try? encoder.encode(headers: fields, to: &block)
        return RawFrame.bytes(1, flags: flags, stream: 1, Array(block.readableBytesView))
    }

    private static let data = Array("abc".utf8)

    @Test(arguments: [
        ([RawFrame.ok(stream: 1, endStream: true)], ["head 200", "complete"]),
        (
            [RawFrame.ok(stream: 1), RawFrame.bytes(0, flags: 1, stream: 1, data)],
            ["head 200", "data abc", "complete"]
        ),
        (
            [fields([":status": "103"]), RawFrame.ok(stream: 1), RawFrame.bytes(0, stream: 1, data)],
            ["informational 103", "head 200", "data abc"]
        ),
        (
            [RawFrame.ok(stream: 1), fields(["x-sum": "7"], flags: 5)],
            ["head 200", "complete with trailers"]
        ),
        // Section 6.1: padding is dropped.
        (
            [RawFrame.ok(stream: 1), RawFrame.bytes(0, flags: 8, stream: 1, [2] + data + [0, 0])],
            ["head 200", "data abc"]
        ),
        // Section 8.1.1: content-length.
        (
            [
                fields([":status": "200", "content-length": "4"]), RawFrame.bytes(0, flags: 1, stream: 1, data),
            ],
            ["head 200", "stream error"]
        ),
        (
            [fields([":status": "200", "content-length": "2"]), RawFrame.bytes(0, stream: 1, data)],
            ["head 200", "stream error"]
        ),
        // Section 8.3.2: exactly one :status, first, of three digits.
        ([fields(["x": "y"])], ["stream error"]),
        ([fields([":status": "2000"])], ["stream error"]),
        ([fields([":status": "200", ":path": "/"])], ["stream error"]),
        ([fields([":status": "200", "Upper": "x"])], ["stream error"]),
        ([fields([":status": "101"])], ["stream error"]),
        ([fields([":status": "103"], flags: 5)], ["stream error"]),
        // Section 8.1: DATA needs a head, and nothing but trailers follows it.
        ([RawFrame.bytes(0, stream: 1, data)], ["stream error"]),
        ([RawFrame.ok(stream: 1), RawFrame.ok(stream: 1)], ["head 200", "stream error"]),
        // Section 5.1: late frames are ignored, frames on streams that never were are not.
        (
            [RawFrame.ok(stream: 1, endStream: true), RawFrame.bytes(0, stream: 1, data), RawFrame.ok(stream: 1)],
            ["head 200", "complete"]
        ),
        ([RawFrame.ok(stream: 3)], ["connection error PROTOCOL_ERROR"]),
        ([RawFrame.ok(stream: 2)], ["connection error PROTOCOL_ERROR"]),
        ([RawFrame.bytes(0, stream: 0, data)], ["connection error PROTOCOL_ERROR"]),
        ([RawFrame.reset(stream: 5, code: 1)], ["connection error PROTOCOL_ERROR"]),
        // Section 6.6: we do not take pushes.
        ([RawFrame.bytes(5, flags: 4, stream: 1, [0, 0, 0, 2])], ["connection error PROTOCOL_ERROR"]),
        ([RawFrame.bytes(4, [0, 2, 0, 0, 0, 1])], ["connection error PROTOCOL_ERROR"]),
        // Section 4.2: frame sizes.
        ([RawFrame.bytes(6, [1, 2, 3])], ["connection error FRAME_SIZE_ERROR"]),
        ([RawFrame.bytes(4, [1, 2, 3])], ["connection error FRAME_SIZE_ERROR"]),
        ([RawFrame.bytes(0, stream: 1, [UInt8](repeating: 0, count: 16_385))], ["connection error FRAME_SIZE_ERROR"]),
        // Section 6.9.1: windows.
        ([RawFrame.bytes(8, [0x7f, 0xff, 0xff, 0xff])], ["connection error FLOW_CONTROL_ERROR"]),
        ([RawFrame.bytes(8, [0, 0, 0, 0])], ["connection error PROTOCOL_ERROR"]),
        ([RawFrame.bytes(8, stream: 1, [0x7f, 0xff, 0xff, 0xff])], ["stream error"]),
        // Section 4.3: nothing interrupts a field block.
        (
            [RawFrame.bytes(1, stream: 1, [0x88]), RawFrame.bytes(6, [0, 0, 0, 0, 0, 0, 0, 0])],
            ["connection error PROTOCOL_ERROR"]
        ),
        ([RawFrame.bytes(1, stream: 1, [0x88]), RawFrame.bytes(9, flags: 4, stream: 1)], ["head 200"]),
        ([RawFrame.bytes(1, flags: 4, stream: 1, [0xff, 0xff, 0xff])], ["connection error COMPRESSION_ERROR"]),
        (
            [RawFrame.bytes(1, stream: 1, [0x88])] + (0..<65).map { _ in RawFrame.bytes(9, stream: 1) },
            ["connection error ENHANCE_YOUR_CALM"]
        ),
        // Section 5.5: unknown frames are ignored.
        ([RawFrame.bytes(0xfa, stream: 9, data), RawFrame.ok(stream: 1)], ["head 200"]),
    ])
    func framesMeanWhatTheRFCSays(frames: [ByteBuffer], story: [String]) {
        #expect(Self.story(frames) == story)
    }

    @Test func answerToHEADHasALengthAndNoBody() {
        let head = Self.fields([":status": "200", "content-length": "500"], flags: 5)
        #expect(Self.story([head], isHead: true) == ["head 200", "complete"])
        #expect(Self.story([head]) == ["stream error"])
    }

    @Test func byteByByteMeansTheSame() {
        let frames = [RawFrame.ok(stream: 1), RawFrame.bytes(0, flags: 1, stream: 1, Self.data)]
        let bytes = frames.flatMap { $0.readableBytesView }
        #expect(Self.story(bytes.map { ByteBuffer(bytes: [$0]) }) == Self.story(frames))
    }

    @Test func pingsThatPileUpUnreadEndTheConnection() {
        var limits = HTTPClientLimits()
        limits.controlBytes = 1_000
        var session = Self.opened(limits)
        var answers = 0
        var ends = 0
        for _ in 0..<100 {
            session.receive(RawFrame.bytes(6, [1, 2, 3, 4, 5, 6, 7, 8]))
            while let event = session.nextEvent() {
                if case .connectionError(.enhanceYourCalm, _) = event { ends += 1 }
            }
            if ends == 0 { answers += 1 }
        }
        #expect(ends == 1)
        #expect(answers == 59)
        let pending = session.pendingOutputBytes
        #expect(pending < 1_200)
    }

    @Test func bodyKeepsToTheWindowsOfTheServer() throws {
        var session = Self.opened()
        let opened = session.open(HPACKHeaders(), endStream: false, isHead: false, consumesAtOnce: true)
        let slot = try #require(opened)
        var body = ByteBuffer(repeating: 7, count: 100_000)
        var isDone = session.sendBody(slot, &body, room: .max)
        #expect(!isDone)
        #expect(body.readableBytes == 100_000 - 65_535)
        // The settings take away what was given: the window is negative now.
        session.receive(RawFrame.bytes(4, [0, 4, 0, 0, 0, 0]))
        session.receive(RawFrame.bytes(8, [0, 1, 0, 0]))
        session.receive(RawFrame.bytes(8, stream: 1, [0, 0, 0xff, 0xff]))
        while session.nextEvent() != nil {}
        isDone = session.sendBody(slot, &body, room: .max)
        #expect(!isDone)
        #expect(body.readableBytes == 100_000 - 65_535)
        session.receive(RawFrame.bytes(8, stream: 1, [0, 1, 0, 0]))
        while session.nextEvent() != nil {}
        isDone = session.sendBody(slot, &body, room: .max)
        #expect(isDone)
        #expect(body.readableBytes == 0)
    }

    /// Whatever comes: no trap, no growth, and an end that stays an end.
    @Test(arguments: 0..<64) func randomFramesDoNoHarm(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            var session = Self.opened()
            for _ in 0..<4 { _ = session.open(HPACKHeaders(), endStream: true, isHead: false, consumesAtOnce: true) }
            var isOver = false
            for _ in 0..<60 {
                let length = Int(random.next() % 24)
                let payload = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                session.receive(
                    RawFrame.bytes(
                        UInt8(random.next() % 11), flags: UInt8(truncatingIfNeeded: random.next()),
                        stream: UInt32(random.next() % 10), payload))
                while let event = session.nextEvent() {
                    #expect(!isOver)
                    if case .connectionError = event { isOver = true }
                }
            }
            let pending = session.pendingOutputBytes
            #expect(pending < 20_000)
        }
    }
}
