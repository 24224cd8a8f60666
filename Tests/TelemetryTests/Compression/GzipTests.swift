// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct GzipTests {
    /// `printf 'hello, gzip\n' | gzip -n` of GNU gzip 1.12.
    static let foreign: [UInt8] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0x48,
        0xaf, 0xca, 0x2c, 0xe0, 0x02, 0x00, 0x86, 0x1f, 0x82, 0xa4, 0x0c, 0x00, 0x00, 0x00,
    ]

    /// Bytes that do not compress, the same in every run.
    static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    @Test(arguments: [0, 1, 2, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 300_000])
    func whatWasCompressedComesBack(count: Int) throws {
        for bytes in [Self.noise(count), [UInt8](repeating: 97, count: count)] {
            for level in [Gzip.Level.fastest, .balanced, .smallest] {
                let compressed = try Gzip.compress(bytes, level: level)
                #expect(try Gzip.decompress(compressed, limit: count) == bytes)
            }
        }
    }

    @Test func textShrinks() throws {
        let text = [UInt8](String(repeating: "sse_streams_active{protocol=\"h2\"} 1\n", count: 1000).utf8)
        #expect(try Gzip.compress(text).count < text.count / 20)
    }

    @Test func foreignGzipIsRead() throws {
        #expect(try Gzip.decompress(Self.foreign, limit: 100) == [UInt8]("hello, gzip\n".utf8))
    }

    @Test func theHeaderCarriesNeitherTimeNorName() throws {
        #expect(try Gzip.compress([1]).prefix(8) == [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0])
    }

    @Test func membersAreReadOneAfterTheOther() throws {
        let twice = try Gzip.compress([1, 2, 3]) + Gzip.compress([]) + Gzip.compress([4])
        #expect(try Gzip.decompress(twice, limit: 4) == [1, 2, 3, 4])
        #expect(throws: GzipError.tooLarge(limit: 3)) { try Gzip.decompress(twice, limit: 3) }
    }

    @Test func aCompressorIsUsedAgainAndPieceByPiece() throws {
        var compressor = try GzipCompressor(level: .fastest)
        let noise = Self.noise(100_000)
        for _ in 0..<3 {
            var output: [UInt8] = []
            for start in stride(from: 0, to: noise.count, by: 7_001) {
                let piece = noise[start..<min(noise.count, start + 7_001)]
                try piece.withUnsafeBytes { try compressor.append($0, to: &output) }
            }
            try compressor.finish(into: &output)
            #expect(try Gzip.decompress(output, limit: noise.count) == noise)
        }
        #expect(try Gzip.decompress(compressor.compress([7, 8]), limit: 2) == [7, 8])
    }

    @Test func aMemberThatWasNotFinishedDoesNotLeakIntoTheNext() throws {
        var compressor = try GzipCompressor()
        var dropped: [UInt8] = []
        try Self.noise(50_000).withUnsafeBytes { try compressor.append($0, to: &dropped) }
        #expect(try Gzip.decompress(compressor.compress([9]), limit: 1) == [9])
    }

    @Test func aBombCostsNoMoreThanTheLimit() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 64 << 20), level: .smallest)
        #expect(bomb.count < 100_000)
        #expect(throws: GzipError.tooLarge(limit: 4 << 20)) { try Gzip.decompress(bomb, limit: 4 << 20) }
        #expect(throws: GzipError.tooLarge(limit: 0)) { try Gzip.decompress(bomb, limit: 0) }
    }

    @Test func everyTruncationIsNoticed() throws {
        let whole = try Gzip.compress(Self.noise(200))
        for length in 0..<whole.count {
            #expect(throws: GzipError.truncated, "\(length) of \(whole.count) bytes") {
                try Gzip.decompress([UInt8](whole.prefix(length)), limit: 1000)
            }
        }
    }

    @Test func aWrongChecksumOrLengthIsCorrupt() throws {
        let whole = try Gzip.compress(Self.noise(200))
        for position in whole.count - 8..<whole.count {
            var changed = whole
            changed[position] ^= 1
            #expect(throws: GzipError.corrupt) { try Gzip.decompress(changed, limit: 1000) }
        }
    }

    @Test(arguments: ["not gzip at all", "\u{1f}\u{8}", "{\"json\":true}"])
    func otherBytesAreNotGzip(text: String) {
        #expect(throws: GzipError.notGzip) { try Gzip.decompress([UInt8](text.utf8), limit: 1000) }
    }

    @Test func bytesAfterTheLastMemberAreRefused() throws {
        let followed = try Gzip.compress([1]) + [UInt8]("HTTP/1.1 200 OK".utf8)
        #expect(throws: GzipError.notGzip) { try Gzip.decompress(followed, limit: 1000) }
    }

    /// Damage anywhere ends in an error or within the limit, never in a trap.
    @Test func damagedInputIsHarmless() throws {
        let original = try Gzip.compress([UInt8](String(repeating: "sse_streams_active 1\n", count: 50).utf8))
        let noise = Self.noise(3 * 2000)
        for start in stride(from: 0, to: noise.count, by: 3) {
            var damaged = original
            damaged[Int(noise[start]) % damaged.count] = noise[start + 1]
            damaged[Int(noise[start + 2]) % damaged.count] ^= 1 << (noise[start] % 8)
            guard let bytes = try? Gzip.decompress(damaged, limit: 5000) else { continue }
            #expect(bytes.count <= 5000)
        }
    }
}
