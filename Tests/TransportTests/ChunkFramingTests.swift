// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

@Suite struct ChunkFramingTests {
    @Test(arguments: [
        0, 1, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 65_535, 65_536, 1 << 20, Int(UInt32.max), Int.max,
    ])
    func theSizeLineIsTheCountInHexadecimal(count: Int) {
        let expected = Array("\(String(count, radix: 16))\r\n".utf8)
        var bytes = [UInt8](repeating: 0xEE, count: 32)
        let written = bytes.withUnsafeMutableBytes { target in
            target.baseAddress.map { ChunkFraming.writeSizeLine(count, to: $0) }
        }
        #expect(written == expected.count)
        #expect(ChunkFraming.sizeLineLength(count) == expected.count)
        #expect(bytes.prefix(expected.count).elementsEqual(expected))
        // Nothing behind the line is touched.
        #expect(bytes.dropFirst(expected.count).allSatisfy { $0 == 0xEE })
    }

    @Test func theLengthIsRightForEverySmallCount() {
        for count in 0...70_000 {
            #expect(ChunkFraming.sizeLineLength(count) == String(count, radix: 16).utf8.count + 2)
        }
    }

    @Test func theLastChunkEndsTheBodyWithAnEmptyTrailer() {
        #expect(ChunkFraming.lastChunk.description == "0\r\n\r\n")
    }
}
