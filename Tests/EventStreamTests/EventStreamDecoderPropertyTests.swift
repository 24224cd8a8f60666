// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import Testing

/// Streams put together at random from pieces that mean something to a decoder.
@Suite("Any stream, however cut, is decoded alike")
struct EventStreamDecoderPropertyTests {
    static let seeds: [UInt64] = Array(1...40)
    static let streamsPerSeed = 50

    static let fragments: [[UInt8]] =
        [
            "\n", "\n", "\n", "\r", "\r", "\r\n", "\r\n", "\n\n", ":", ": ", " ", "  ", "\0", "\u{FEFF}", "é", "😀",
            "data", "data:", "data: ", "data: a\n", "data:b\r\n", "data\r", "dat", "datax", "Data: x\n", "data : x\n",
            "id", "id:", "id: 1", "id: 2\n", "id\n", "id: a\0b\n", "event", "event:", "event: x\n", "event\n",
            "retry", "retry: 10\n", "retry:\n", "retry: 1x\n", "retry: 99999999999999999999\n", "007", "5",
            ": comment\n", ":\r\n", "unknown: y\n", "text", "\t", "\u{2028}",
        ].map { Array($0.utf8) }
        // Parts of sequences: a byte order mark's, a euro sign's, an emoji's; overlong, surrogate, too large, stray.
        + [
            [0xEF], [0xBB], [0xBF], [0xEF, 0xBB], [0xE2, 0x82], [0xAC], [0xF0, 0x9F], [0x98], [0x80], [0xC0, 0x80],
            [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE0, 0x80], [0xF0, 0x80], [0xC3], [0xFF], [0xFE],
        ]

    static func stream(using random: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        if Int.random(in: 0..<4, using: &random) == 0 { stream += [0xEF, 0xBB, 0xBF] }
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            stream += fragments.randomElement(using: &random) ?? []
        }
        return stream
    }

    @Test(arguments: seeds)
    func wholeAndCutStreamsAgreeWithTheReferenceDecoder(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.streamsPerSeed {
            let stream = Self.stream(using: &random)
            let expected = ReferenceDecoder.decode(stream)
            let pieces = random.cut(stream)
            #expect(DecodedStream([stream]) == expected, "\(stream)")
            #expect(DecodedStream(pieces) == expected, "\(pieces)")
        }
    }

    @Test(arguments: seeds)
    func nothingIsHeldBackAfterAnyByte(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let stream = Self.stream(using: &random)
        for end in 0...stream.count {
            // The reference sees a stream that ends here: whatever that amounts to must be out by now.
            let soFar = Array(stream[..<end])
            #expect(DecodedStream(soFar.map { [$0] }) == ReferenceDecoder.decode(soFar), "\(soFar)")
        }
    }

    @Test(arguments: seeds)
    func limitsStrikeAtTheSamePlaceHoweverTheStreamIsCut(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.streamsPerSeed {
            let stream = Self.stream(using: &random)
            let limits = EventStreamLimits(
                maximumLineBytes: Int.random(in: 0...24, using: &random),
                maximumEventBytes: Int.random(in: 0...12, using: &random)
            )
            let decoder = EventStreamDecoder(limits: limits)
            let whole = DecodedStream([stream], decoder: decoder)
            #expect(DecodedStream(random.cut(stream), decoder: decoder) == whole, "\(stream) \(limits)")
            #expect(DecodedStream(stream.map { [$0] }, decoder: decoder) == whole, "\(stream) \(limits)")
            #expect(DecodedStream([stream]).items.starts(with: whole.items), "\(stream) \(limits)")
        }
    }
}
