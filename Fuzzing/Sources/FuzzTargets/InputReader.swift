// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Turns the bytes of a fuzzer's input into decisions. It never ends: past the input every decision is 0, so that each
// input, however short, is a complete story.

struct InputReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func bool() -> Bool { byte() & 1 == 1 }

    /// A number below `bound`, of one byte if that is enough.
    mutating func below(_ bound: Int) -> Int {
        guard bound > 1 else { return 0 }
        return bound <= 256 ? Int(byte()) % bound : Int(word()) % bound
    }

    mutating func word() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    mutating func long() -> UInt32 { UInt32(word()) << 16 | UInt32(word()) }

    /// One of a menu: the values at which something changes are worth more than random ones.
    mutating func pick<T>(_ menu: [T]) -> T { menu[below(menu.count)] }

    /// At most `count` bytes of the input.
    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(position + max(count, 0), bytes.count)
        defer { position = end }
        return Array(bytes[position..<end])
    }

    mutating func rest() -> [UInt8] { take(bytes.count) }
}

/// Cuts bytes into pieces whose lengths follow from `seed`: 0 leaves them whole, 1 cuts them into single bytes.
func pieces(of bytes: [UInt8], seed: UInt8) -> [[UInt8]] {
    if seed == 0 || bytes.isEmpty { return [bytes] }
    var state = UInt64(seed)
    var result: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
        // Knuth's MMIX generator, of which only the upper bits are good.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let length = seed == 1 ? 1 : Int(state >> 33) % (2 << (Int(seed) % 10)) + 1
        result.append(Array(bytes[start..<min(start + length, bytes.count)]))
        start += length
    }
    return result
}
