// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// From stream identifier to slot index: open addressing with linear probing, 8 bytes per entry, at most half full.
///
/// A dictionary would do, but each WINDOW_UPDATE asks here, and an edge sends one per stream and event or two. The
/// seed makes the hash unknown to the peer, who chooses the identifiers and could otherwise make them collide.
struct HTTP2StreamIndex {
    /// Identifier in the upper half, slot index in the lower; 0 is empty, since stream 0 is never stored.
    private var entries = ContiguousArray<UInt64>(repeating: 0, count: 16)
    private var count = 0
    private var shift: UInt64 = 60
    private let multiplier: UInt64

    init(seed: UInt64) {
        multiplier = (seed &* 0x9e37_79b9_7f4a_7c15) | 1
    }

    private var mask: Int { entries.count - 1 }

    /// Multiply-shift hashing: the upper bits of the product.
    @inline(__always)
    private func home(_ streamID: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(streamID) &* multiplier) >> shift)
    }

    /// The slot index, or -1.
    func find(_ streamID: UInt32) -> Int32 {
        var position = home(streamID)
        while entries[position] != 0 {
            if UInt32(truncatingIfNeeded: entries[position] >> 32) == streamID {
                return Int32(truncatingIfNeeded: entries[position])
            }
            position = (position + 1) & mask
        }
        return -1
    }

    mutating func insert(_ streamID: UInt32, _ slotIndex: Int32) {
        if (count + 1) * 2 > entries.count { resize(to: entries.count * 2) }
        place(UInt64(streamID) << 32 | UInt64(UInt32(bitPattern: slotIndex)))
        count += 1
    }

    /// Closes the gap by moving back what was displaced over it, so that no tombstones pile up.
    mutating func remove(_ streamID: UInt32) {
        var gap = home(streamID)
        while UInt32(truncatingIfNeeded: entries[gap] >> 32) != streamID {
            guard entries[gap] != 0 else { return }
            gap = (gap + 1) & mask
        }
        count -= 1
        var position = (gap + 1) & mask
        while entries[position] != 0 {
            let wanted = home(UInt32(truncatingIfNeeded: entries[position] >> 32))
            if (position - wanted) & mask >= (position - gap) & mask {
                entries[gap] = entries[position]
                gap = position
            }
            position = (position + 1) & mask
        }
        entries[gap] = 0
        if entries.count > 256, count * 8 < entries.count { resize(to: entries.count / 2) }
    }

    private mutating func place(_ entry: UInt64) {
        var position = home(UInt32(truncatingIfNeeded: entry >> 32))
        while entries[position] != 0 { position = (position + 1) & mask }
        entries[position] = entry
    }

    private mutating func resize(to capacity: Int) {
        let old = entries
        entries = ContiguousArray(repeating: 0, count: capacity)
        shift = UInt64(64 - capacity.trailingZeroBitCount)
        for entry in old where entry != 0 { place(entry) }
    }
}
