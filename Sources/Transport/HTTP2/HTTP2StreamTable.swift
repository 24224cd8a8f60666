// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// All open streams of one connection: one contiguous array of 64-byte records, a free list through it, and an index
/// from stream identifier to slot.
///
/// An idle stream costs its record and at most 32 bytes of index; nothing here is allocated per stream. Bound: the
/// session opens at most `maxConcurrentStreams`.
struct HTTP2StreamTable {
    private(set) var streams = ContiguousArray<HTTP2Stream>()
    private(set) var index: HTTP2StreamIndex
    /// Open streams, lingering ones included: what section 5.1.2 counts.
    private(set) var count = 0
    private var firstFree: Int32 = -1
    private var nextGeneration: UInt32 = 1

    init(seed: UInt64) {
        index = HTTP2StreamIndex(seed: seed)
    }

    /// In-place access by slot index, which the caller has from ``find(_:)`` or from a checked slot.
    subscript(position: Int32) -> HTTP2Stream {
        @inline(__always) get { streams[Int(position)] }
        @inline(__always) _modify { yield &streams[Int(position)] }
    }

    /// The index of an open stream, or -1.
    func find(_ streamID: UInt32) -> Int32 {
        index.find(streamID)
    }

    /// Whether the slot still names the stream that it was made for.
    @inline(__always)
    func isCurrent(_ slot: StreamSlot) -> Bool {
        let position = Int(slot.index)
        return position >= 0 && position < streams.count && streams[position].generation == slot.generation
    }

    /// Takes so many bytes of a stream's window and returns its identifier; `nil`, and nothing taken, if the slot is
    /// not current, the response has not begun, or the window is smaller.
    @inline(__always)
    mutating func takeWindow(_ slot: StreamSlot, _ count: Int) -> UInt32? {
        guard isCurrent(slot) else { return nil }
        let position = Int(slot.index)
        guard count <= Int(streams[position].sendWindow), streams[position].state.contains(.headersSent) else {
            return nil
        }
        streams[position].sendWindow -= Int32(truncatingIfNeeded: count)
        return streams[position].id
    }

    func slot(at position: Int32) -> StreamSlot {
        StreamSlot(index: position, generation: streams[Int(position)].generation)
    }

    mutating func open(_ stream: HTTP2Stream) -> Int32 {
        var record = stream
        record.generation = takeGeneration()
        count += 1
        let position: Int32
        if firstFree >= 0 {
            position = firstFree
            firstFree = streams[Int(position)].next
            streams[Int(position)] = record
        } else {
            position = Int32(streams.count)
            streams.append(record)
        }
        index.insert(record.id, position)
        return position
    }

    /// Makes the slot that the caller has invalid, while the stream lives on.
    mutating func retireSlot(at position: Int32) {
        streams[Int(position)].generation = takeGeneration()
    }

    private mutating func takeGeneration() -> UInt32 {
        // Generation 0 marks a free record. A slot could only be mistaken for another after 2^32 streams.
        defer { nextGeneration = nextGeneration == .max ? 1 : nextGeneration + 1 }
        return nextGeneration
    }

    /// Frees a record. It must be in no queue any more.
    mutating func close(_ position: Int32) {
        index.remove(streams[Int(position)].id)
        count -= 1
        guard count > 0 else {
            // The last stream is gone: give a large table back; generations go on, so old slots stay invalid.
            firstFree = -1
            streams.removeAll(keepingCapacity: streams.capacity <= 64)
            return
        }
        var free = HTTP2Stream(id: 0, sendWindow: 0, receiveWindow: 0)
        free.next = firstFree
        streams[Int(position)] = free
        firstFree = position
    }
}

/// One stream. 64 bytes, a cache line: a tick touches thousands of them.
struct HTTP2Stream {
    var id: UInt32
    /// Set by the table; 0 in a free record.
    var generation: UInt32 = 0
    /// What we may send (section 6.9.2): below zero after the peer lowered its initial window.
    var sendWindow: Int32
    var state: HTTP2StreamState = []
    /// What the peer may send.
    var receiveWindow: Int32
    /// Body bytes that the caller holds.
    var unconsumed: Int32 = 0
    /// Neighbours in the queue that the stream is in, or -1. In a free record: the next free one.
    var next: Int32 = -1
    var previous: Int32 = -1
    /// When it was opened (`HTTP2ServerSession.milliseconds`).
    var openedAt: UInt32 = 0
    var stallCount: UInt32 = 0
    /// What `content-length` still promises; -1 without one. Of a stream that lingers: what is still read and dropped.
    var bodyRemaining: Int64 = -1
    /// When the current stall began, or since when the stream lingers.
    var since: Int64 = 0
    var stallNanoseconds: Int64 = 0

    init(id: UInt32, sendWindow: Int, receiveWindow: Int) {
        self.id = id
        self.sendWindow = Int32(clamping: sendWindow)
        self.receiveWindow = Int32(clamping: receiveWindow)
    }
}

/// Where a stream is in the diagram of RFC 9113 section 5.1, and what it waits for.
struct HTTP2StreamState: OptionSet {
    let rawValue: UInt32

    /// The peer has sent END_STREAM: half-closed (remote).
    static let remoteClosed = HTTP2StreamState(rawValue: 1)
    /// We have sent END_STREAM while the request goes on: half-closed (local). The caller's slot is dead already;
    /// what still arrives is discarded.
    static let lingering = HTTP2StreamState(rawValue: 2)
    /// The final response header section is out, DATA may follow.
    static let headersSent = HTTP2StreamState(rawValue: 4)
    /// In the queue of streams that wait for the connection window or for the output.
    static let queued = HTTP2StreamState(rawValue: 8)
    /// Had something to send and no window; not queued, the peer has to act first.
    static let stalled = HTTP2StreamState(rawValue: 16)
}
