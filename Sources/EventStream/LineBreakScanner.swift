// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Finds line breaks, CR or LF, in bytes that it does not own, going forward only.
///
/// The C library searches for one byte at the width of the machine, but not for either of two. So the next position of
/// each is remembered and looked up anew only when it has been passed: however lines end, and if one of the two never
/// occurs, each byte is searched at most twice.
struct LineBreakScanner {
    private let bytes: UnsafeRawBufferPointer
    private var nextLF = -1
    private var nextCR = -1

    /// Creates a scanner, valid for as long as `bytes` is.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The index of the first CR or LF at or after `start`, or the number of bytes if there is none. `start` must not
    /// go back between calls.
    mutating func lineBreak(from start: Int) -> Int {
        if nextLF < start { nextLF = bytes.index(of: .lineFeed, from: start) }
        if nextCR < start { nextCR = bytes.index(of: .carriageReturn, from: start) }
        return min(nextLF, nextCR)
    }
}

extension UnsafeRawBufferPointer {
    /// The index of the first `byte` at or after `start`, or `count` if there is none.
    func index(of byte: UInt8, from start: Int = 0) -> Int {
        guard start < count, let baseAddress else { return count }
        guard let found = memchr(baseAddress + start, Int32(byte), count - start) else { return count }
        return UnsafeRawPointer(found) - baseAddress
    }

    /// Whether the bytes are those of `text`, a literal.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        guard let baseAddress else { return true }
        return memcmp(baseAddress, text.utf8Start, count) == 0
    }
}

extension UInt8 {
    static let null: UInt8 = 0x00
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let colon: UInt8 = 0x3A
}
