// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// A first-in, first-out queue of streams, linked through their records: no allocation, constant time for all of it,
/// removal from the middle included. A stream is in one queue at most, so the bound is the number of streams.
struct HTTP2StreamQueue {
    private(set) var first: Int32 = -1
    private(set) var last: Int32 = -1

    var isEmpty: Bool { first < 0 }

    mutating func append(_ position: Int32, in table: inout HTTP2StreamTable) {
        table[position].next = -1
        table[position].previous = last
        if last >= 0 {
            table[last].next = position
        } else {
            first = position
        }
        last = position
    }

    mutating func prepend(_ position: Int32, in table: inout HTTP2StreamTable) {
        table[position].previous = -1
        table[position].next = first
        if first >= 0 {
            table[first].previous = position
        } else {
            last = position
        }
        first = position
    }

    mutating func remove(_ position: Int32, in table: inout HTTP2StreamTable) {
        let previous = table[position].previous
        let next = table[position].next
        if previous >= 0 { table[previous].next = next } else { first = next }
        if next >= 0 { table[next].previous = previous } else { last = previous }
        table[position].next = -1
        table[position].previous = -1
    }
}
