// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The chunked transfer coding's frame around a message (RFC 9112, section 7.1), written in place.

enum ChunkFraming {
    /// Ends a chunked body: the last chunk and an empty trailer section.
    static let lastChunk: StaticString = "0\r\n\r\n"

    /// Length of the chunk-size line for a chunk of `count` bytes, its CRLF included.
    static func sizeLineLength(_ count: Int) -> Int { self.digits(count) + 2 }

    /// Writes `count` in hexadecimal and CRLF; returns how many bytes that took.
    static func writeSizeLine(_ count: Int, to target: UnsafeMutableRawPointer) -> Int {
        let digits = self.digits(count)
        var rest = count
        for place in stride(from: digits - 1, through: 0, by: -1) {
            let digit = UInt8(rest & 15)
            let character = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            target.storeBytes(of: character, toByteOffset: place, as: UInt8.self)
            rest >>= 4
        }
        self.writeLineEnd(to: target + digits)
        return digits + 2
    }

    static func writeLineEnd(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: UInt8(ascii: "\r"), toByteOffset: 0, as: UInt8.self)
        target.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: 1, as: UInt8.self)
    }

    private static func digits(_ count: Int) -> Int {
        count == 0 ? 1 : (Int.bitWidth - count.leadingZeroBitCount + 3) / 4
    }
}
