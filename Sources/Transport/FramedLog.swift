// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A bounded, append-only log of messages, each framed once: the chunk that HTTP/1.1 sends (RFC 9112, section 7.1)
// lies ready in memory, and its inner bytes are what HTTP/2 wraps in a DATA frame. Live bytes are always contiguous,
// so that a stream that is several messages behind is served by one write.
//
// It is not a queue: nobody takes anything out. Readers hold a position (the sequence number of the next message
// they want) and the log forgets the oldest message when a bound is reached.

import NIOCore

/// One event loop's log of messages. Not thread-safe: it belongs to its loop.
///
/// Bounds: `maximumMessages` and `maximumBytes` of framed messages, whichever comes first; the newest message is
/// always kept, however large. Overflow drops the oldest.
///
/// What every delivery reads is without the check for exclusive access, which costs more than the read: nothing here
/// calls anyone while it changes.
public final class FramedLog {
    /// Where a message lies, and when it was published.
    struct Entry {
        /// Position of its first framed byte, counted over the log's whole life.
        var offset: UInt64
        /// Length without the chunk's frame.
        var payloadLength: UInt32
        /// Length of the chunk-size line before the payload.
        var headerLength: UInt8
        /// Nanoseconds on the caller's monotonic clock.
        var publishedAt: Int64

        var framedLength: Int { Int(self.headerLength) + Int(self.payloadLength) + 2 }
    }

    public let maximumMessages: Int
    public let maximumBytes: Int

    /// The sequence number of the oldest message kept; equals ``nextSequence`` when there is none.
    @exclusivity(unchecked) public private(set) var firstSequence: UInt64
    /// The sequence number that the next message will get.
    @exclusivity(unchecked) public private(set) var nextSequence: UInt64

    @exclusivity(unchecked) private var storage: UnsafeMutableRawPointer
    private var capacity: Int
    /// Live bytes are `storage[start..<end]`.
    @exclusivity(unchecked) private var start = 0
    @exclusivity(unchecked) private var end = 0
    /// The life-long position of `storage[start]`.
    @exclusivity(unchecked) private var startOffset: UInt64 = 0

    /// A power-of-two ring: message `n` is at `n & (entryCapacity - 1)`.
    @exclusivity(unchecked) private var entries: UnsafeMutablePointer<Entry>
    @exclusivity(unchecked) private var entryCapacity: Int

    /// - Parameter firstSequence: the number of the first message: 1, or where a copy of another log begins.
    public init(maximumMessages: Int, maximumBytes: Int, firstSequence: UInt64 = 1) {
        self.maximumMessages = max(1, maximumMessages)
        self.maximumBytes = max(1, maximumBytes)
        self.firstSequence = firstSequence
        self.nextSequence = firstSequence
        // Small at first: a process may hold thousands of channels with a few events each.
        self.capacity = 2048
        self.storage = .allocate(byteCount: self.capacity, alignment: 16)
        self.entryCapacity = 8
        self.entries = .allocate(capacity: self.entryCapacity)
    }

    deinit {
        self.storage.deallocate()
        self.entries.deallocate()
    }

    public var count: Int { Int(self.nextSequence &- self.firstSequence) }
    /// Framed bytes kept now.
    public var byteCount: Int { self.end - self.start }
    /// Framed bytes appended over the log's life.
    public var endOffset: UInt64 { self.startOffset + UInt64(self.end - self.start) }
    /// Bytes of memory held, live or spare.
    public var reservedBytes: Int { self.capacity + self.entryCapacity * MemoryLayout<Entry>.stride }

    /// What ``firstSequence`` would be after appending so many bytes.
    public func firstSequence(afterAppending payloadLength: Int) -> UInt64 {
        let framed = payloadLength + Self.frameOverhead(payloadLength)
        var first = self.firstSequence
        var bytes = self.byteCount + framed
        while first < self.nextSequence,
            self.nextSequence - first >= UInt64(self.maximumMessages) || bytes > self.maximumBytes
        {
            bytes -= self.entry(first).framedLength
            first += 1
        }
        return first
    }

    /// Appends one message, dropping the oldest ones when a bound asks for it.
    /// - Parameters:
    ///   - payload: at least one byte (an empty chunk would end an HTTP/1.1 body); an empty one is ignored.
    ///   - publishedAt: nanoseconds on the caller's monotonic clock.
    public func append(_ payload: UnsafeRawBufferPointer, publishedAt: Int64) {
        guard payload.count > 0, payload.count <= Int(UInt32.max) else { return }
        let framed = payload.count + Self.frameOverhead(payload.count)
        let first = self.firstSequence(afterAppending: payload.count)
        while self.firstSequence < first { self.dropFirst() }
        self.makeRoom(for: framed)
        self.makeRoomForEntry()

        let offset = self.endOffset
        let headerLength = ChunkFraming.writeSizeLine(payload.count, to: self.storage + self.end)
        let body = self.storage + self.end + headerLength
        payload.baseAddress.map { body.copyMemory(from: $0, byteCount: payload.count) }
        ChunkFraming.writeLineEnd(to: body + payload.count)
        self.end += framed
        self.entries[self.index(of: self.nextSequence)] = Entry(
            offset: offset,
            payloadLength: UInt32(payload.count),
            headerLength: UInt8(headerLength),
            publishedAt: publishedAt
        )
        self.nextSequence += 1
    }

    /// When message `sequence` was published; `nil` if it is not kept.
    public func publishedAt(_ sequence: UInt64) -> Int64? {
        self.holds(sequence) ? self.entries[self.index(of: sequence)].publishedAt : nil
    }

    /// The bytes of message `sequence` without framing; valid until the next append. `nil` if it is not kept.
    public func payload(_ sequence: UInt64) -> UnsafeRawBufferPointer? {
        guard self.holds(sequence) else { return nil }
        let entry = self.entries[self.index(of: sequence)]
        return UnsafeRawBufferPointer(
            start: self.pointer(to: entry.offset + UInt64(entry.headerLength)), count: Int(entry.payloadLength)
        )
    }

    /// Framed bytes between the reader's position and the head: how far it is behind.
    public func backlog(from sequence: UInt64) -> Int { Int(self.endOffset - self.offset(of: sequence)) }

    /// Framed bytes appended before message `sequence`; for one already dropped, before the oldest kept.
    public func offset(of sequence: UInt64) -> UInt64 {
        guard sequence < self.nextSequence else { return self.endOffset }
        return self.entries[self.index(of: max(sequence, self.firstSequence))].offset
    }

    public func holds(_ sequence: UInt64) -> Bool {
        sequence >= self.firstSequence && sequence < self.nextSequence
    }

    func entry(_ sequence: UInt64) -> Entry { self.entries[self.index(of: sequence)] }

    /// Framed messages that follow each other. Its bytes are valid until the next append.
    public struct Run {
        public let bytes: UnsafeRawBufferPointer
        /// The sequence number of the first message in it, and of the first behind it.
        public let first: UInt64
        public let next: UInt64
        /// The first message without its framing.
        let payload: UnsafeRawBufferPointer

        init(bytes: UnsafeRawBufferPointer, first: UInt64, next: UInt64, payload: UnsafeRawBufferPointer) {
            self.bytes = bytes
            self.first = first
            self.next = next
            self.payload = payload
        }

        /// No messages, at a position that no reader has.
        public init() {
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            self.init(bytes: nothing, first: .max, next: .max, payload: nothing)
        }

        /// One message and no more.
        @inline(__always)
        var isSingle: Bool { self.next == self.first &+ 1 }
    }

    /// The framed messages from `sequence` on: at most about `limit` bytes and at least one message.
    /// - Precondition: ``holds(_:)`` says so of `sequence`.
    public func run(from sequence: UInt64, limit: Int) -> Run {
        let entry = self.entries[self.index(of: sequence)]
        let first = entry.offset
        var length = Int(self.endOffset - first)
        var next = self.nextSequence
        if length > limit {
            next = sequence + 1
            length = entry.framedLength
            while next < self.nextSequence {
                let more = self.entries[self.index(of: next)].framedLength
                guard length + more <= limit else { break }
                length += more
                next += 1
            }
        }
        let start = self.pointer(to: first)
        return Run(
            bytes: UnsafeRawBufferPointer(start: start, count: length),
            first: sequence,
            next: next,
            payload: UnsafeRawBufferPointer(start: start + Int(entry.headerLength), count: Int(entry.payloadLength))
        )
    }

    /// The message that holds the byte `distance` after the start of message `sequence`, and where it ends, counted
    /// the same way. A distance at a message's very start belongs to that message.
    func message(at distance: Int, from sequence: UInt64) -> (sequence: UInt64, end: Int) {
        var current = sequence
        var end = self.entries[self.index(of: current)].framedLength
        while end <= distance, current + 1 < self.nextSequence {
            current += 1
            end += self.entries[self.index(of: current)].framedLength
        }
        return (current, end)
    }

    private func index(of sequence: UInt64) -> Int { Int(sequence & UInt64(self.entryCapacity - 1)) }

    private func pointer(to offset: UInt64) -> UnsafeMutableRawPointer {
        self.storage + self.start + Int(offset - self.startOffset)
    }

    private static func frameOverhead(_ payloadLength: Int) -> Int {
        ChunkFraming.sizeLineLength(payloadLength) + 2
    }

    private func dropFirst() {
        let length = self.entries[self.index(of: self.firstSequence)].framedLength
        self.start += length
        self.startOffset += UInt64(length)
        self.firstSequence += 1
    }

    /// Moves or grows so that `length` bytes fit behind the live ones. The capacity is kept at twice what is live,
    /// so a byte is moved at most once per time that the whole log turns over.
    private func makeRoom(for length: Int) {
        guard self.end + length > self.capacity else { return }
        let live = self.end - self.start
        var wanted = self.capacity
        while (live + length) * 2 > wanted { wanted *= 2 }
        let target = wanted == self.capacity ? self.storage : .allocate(byteCount: wanted, alignment: 16)
        target.copyMemory(from: self.storage + self.start, byteCount: live)
        if target != self.storage {
            self.storage.deallocate()
            self.storage = target
            self.capacity = wanted
        }
        self.start = 0
        self.end = live
    }

    private func makeRoomForEntry() {
        guard self.count == self.entryCapacity else { return }
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: self.entryCapacity * 2)
        for sequence in self.firstSequence..<self.nextSequence {
            larger[Int(sequence & UInt64(self.entryCapacity * 2 - 1))] = self.entries[self.index(of: sequence)]
        }
        self.entries.deallocate()
        self.entries = larger
        self.entryCapacity *= 2
    }
}
