// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// SplitMix64: a small random number generator whose run is given by its seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Cuts `bytes` into pieces of random length, single bytes and empty pieces among them.
    mutating func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        let longest = [1, 2, 5, 40].randomElement(using: &self) ?? 1
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 0...longest, using: &self))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }
}
