// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK
import NIOHTTP1
import Testing

@testable import Transport

/// What another library's decoder makes of our blocks, one after the other: the fields, whether they were written out
/// or copied.
@Suite struct HTTP2FieldEncoderTests {
    private static let stream: HTTPHeaders = [
        "Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no",
    ]

    @Test func theSameFieldsAreReferencesFromTheSecondTimeOn() throws {
        var (encoder, reader) = (HTTP2FieldEncoder(), Reader())
        let sizes = try (0..<3).map { number in
            try encoder.encode(HTTP2ResponseHead(status: 200, headers: Self.stream, own: [("X-Own", "\(number)")]))
            let fields = try reader.read(encoder.block)
            #expect(
                fields == [
                    ":status: 200", "content-type: text/event-stream", "cache-control: no-cache",
                    "x-accel-buffering: no", "x-own: \(number)",
                ])
            return encoder.block.readableBytes
        }
        let own = 1 + 1 + "x-own".utf8.count + 1 + 1
        #expect(sizes[0] > 50)
        #expect(sizes[1...] == [4 + own, 4 + own])
    }

    @Test(arguments: [0, 1, 126, 127, 128, 254, 255, 256, 16_384, 70_000])
    func aLengthOfAnySizeIsRead(count: Int) throws {
        var (encoder, reader) = (HTTP2FieldEncoder(), Reader())
        let text = String(repeating: "a", count: count)
        for _ in 0..<2 {
            try encoder.encode(HTTP2ResponseHead(status: 204, own: [("N" + text, text), ("z", "end")]))
            #expect(try reader.read(encoder.block) == [":status: 204", "n\(text): \(text)", "z: end"])
            encoder.releaseLargeMemory()
            #expect(encoder.block.storageCapacity <= 65_536)
        }
    }

    @Test func onlyLettersChangeTheirCase() throws {
        var (encoder, reader) = (HTTP2FieldEncoder(), Reader())
        try encoder.encode(HTTP2ResponseHead(status: 200, own: [("X-AZ_09[\u{5e}`az", "AZ")]))
        #expect(try reader.read(encoder.block) == [":status: 200", "x-az_09[^`az: AZ"])
    }

    @Test func anotherOrderOrSpellingIsNotTheSame() throws {
        var (encoder, reader) = (HTTP2FieldEncoder(), Reader())
        for headers: HTTPHeaders in [["a": "1", "b": "2"], ["b": "2", "a": "1"], ["a": "1"], ["a": "2", "b": "2"]] {
            for _ in 0..<2 {
                try encoder.encode(HTTP2ResponseHead(status: 200, headers: headers))
                #expect(try reader.read(encoder.block) == [":status: 200"] + headers.map { "\($0.name): \($0.value)" })
            }
        }
    }

    /// Heads that come again and again among others that fill the table and push out what was in it, while the peer
    /// changes its mind about the size of the table.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func theTablesNeverPart(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var (encoder, reader) = (HTTP2FieldEncoder(), Reader())
        func text(_ count: ClosedRange<Int>) -> String {
            String(repeating: "v", count: Int.random(in: count, using: &generator))
        }
        for step in 0..<300 {
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: encoder.setTableSize([0, 100, 500, 4_096].randomElement(using: &generator) ?? 0)
            case 1...4:
                let headers: HTTPHeaders = ["x-other": text(0...300), "x-more": text(0...2)]
                try encoder.encode(HTTP2ResponseHead(status: 200, headers: headers))
                #expect(
                    try reader.read(encoder.block) == [":status: 200"] + headers.map { "\($0.name): \($0.value)" })
            default:
                let own = text(0...150)
                try encoder.encode(HTTP2ResponseHead(status: 200, headers: Self.stream, own: [("own", own)]))
                let expected =
                    [":status: 200"] + Self.stream.map { "\($0.name.lowercased()): \($0.value)" } + ["own: \(own)"]
                #expect(try reader.read(encoder.block) == expected, "step \(step)")
            }
        }
    }
}

/// The peer's side, with a table of its own.
private struct Reader {
    private var decoder = HPACKDecoder(
        allocator: ByteBufferAllocator(), maxDynamicTableSize: 4_096, maxHeaderListSize: 1_000_000)

    mutating func read(_ block: ByteBuffer) throws -> [String] {
        var block = block
        return try self.decoder.decodeHeaders(from: &block).map { "\($0.name): \($0.value)" }
    }
}
