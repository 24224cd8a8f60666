// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Whether the numbers of one stream come each once and in order. It remembers the last 64, in 24 bytes.
struct SequenceWindow {
    enum Finding: Equatable {
        /// The first of the stream, or the one after the highest.
        case inOrder
        /// So many below it are missing.
        case gap(UInt64)
        /// One of those that were missing.
        case late
        case duplicate
        /// So far back, or from before the beginning, that late and duplicate cannot be told apart.
        case stale
    }

    private var first: UInt64 = 0
    private var highest: UInt64 = 0
    /// Bit n: the highest less n has come. 0: nothing has.
    private var seen: UInt64 = 0

    @inline(__always)
    mutating func note(_ number: UInt64) -> Finding {
        if number == highest &+ 1, seen != 0, number != 0 {
            highest = number
            seen = seen << 1 | 1
            return .inOrder
        }
        return noteUnusual(number)
    }

    private mutating func noteUnusual(_ number: UInt64) -> Finding {
        guard seen != 0 else {
            (first, highest, seen) = (number, number, 1)
            return .inOrder
        }
        if number > highest {
            let step = number - highest
            seen = step < 64 ? seen << step | 1 : 1
            highest = number
            return .gap(step - 1)
        }
        let distance = highest - number
        guard number >= first, distance < 64 else { return .stale }
        guard seen & 1 << distance == 0 else { return .duplicate }
        seen |= 1 << distance
        return .late
    }
}
