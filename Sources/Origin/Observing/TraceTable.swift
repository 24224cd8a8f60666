// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The traces of one event loop's streams, in two parts by how often they are looked at.

/// Belongs to its loop. Bound: the sampled streams that are open at once.
struct TraceTable {
    /// What an event touches, side by side; at a place that is free, what was there last.
    var events: ContiguousArray<EventTrace> = []
    private var streams: ContiguousArray<StreamTrace?> = []
    private var free: ContiguousArray<Int32> = []

    /// - Returns: its place, until it is removed.
    mutating func add(_ stream: StreamTrace, _ events: EventTrace) -> Int32 {
        guard let place = self.free.popLast() else {
            self.streams.append(stream)
            self.events.append(events)
            return Int32(self.streams.count - 1)
        }
        self.streams[Int(place)] = stream
        self.events[Int(place)] = events
        return place
    }

    /// `nil` at a place that is free.
    subscript(place: Int32) -> StreamTrace? {
        get { self.streams[Int(place)] }
        set { self.streams[Int(place)] = newValue }
    }

    mutating func remove(at place: Int32) {
        guard self.streams.indices.contains(Int(place)), self.streams[Int(place)] != nil else { return }
        self.streams[Int(place)] = nil
        self.free.append(place)
        // Gives the memory of a storm back, and with it what the last streams' spans had in common.
        if self.free.count == self.streams.count { self = TraceTable() }
    }
}
