// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Deliveries to traced streams that are not recorded yet: four bytes each, and their batch says the rest. What a stream
// keeps for its trace has long left the caches, so the fan-out does not touch it.

/// Places in the ``TraceTable``. Bound: the deliveries of a turn. Belongs to its event loop.
struct TracedDeliveries {
    /// Of the batches that are being filled. One that is begun while another is filled is booked before that goes on,
    /// so those of a batch are always the last.
    private var open: ContiguousArray<Int32> = []
    /// Of the batches on their way through a connection's output buffer, one after the other.
    private var buffered: ContiguousArray<Int32> = []
    /// Of streams that ended before their last events were recorded.
    private var ended: ContiguousArray<Int32> = []

    @inline(__always)
    mutating func add(_ place: Int32) { self.open.append(place) }

    /// A batch is recorded at once.
    /// - Parameter count: of its deliveries to traced streams.
    mutating func take(_ count: Int, _ body: (UnsafeBufferPointer<Int32>) -> Void) {
        guard count > 0 else { return }
        self.open.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0.suffix(count))) }
        self.open.removeLast(count)
    }

    /// A batch is recorded when its connections' buffers have been written.
    mutating func buffer(_ count: Int) {
        guard count > 0 else { return }
        self.buffered.append(contentsOf: self.open.suffix(count))
        self.open.removeLast(count)
    }

    /// Batches are recorded that were buffered, all of them.
    /// - Parameter counts: of each, in the order in which they were.
    mutating func takeBuffered(_ counts: some Sequence<Int>, _ body: (Int, UnsafeBufferPointer<Int32>) -> Void) {
        guard !self.buffered.isEmpty else { return }
        self.buffered.withUnsafeBufferPointer { places in
            var start = 0
            for (batch, count) in counts.enumerated() where count > 0 {
                body(batch, UnsafeBufferPointer(rebasing: places[start..<start + count]))
                start += count
            }
        }
        self.buffered.removeAll(keepingCapacity: true)
    }

    /// The stream at this place is over.
    mutating func end(_ place: Int32) { self.ended.append(place) }

    /// The places of streams that are over and of which nothing is left to be recorded.
    mutating func takeEnded() -> ContiguousArray<Int32> {
        guard self.open.isEmpty, self.buffered.isEmpty, !self.ended.isEmpty else { return [] }
        defer { self.ended = [] }
        return self.ended
    }
}
