// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One event loop's copy of a channel: the log, and the streams of this loop that read it. The home loop's copy is the
// one that numbers events and keeps history; the copies of other loops follow it (see docs/concurrency.md).

import NIOCore
import Synchronization
import Telemetry
import Transport

/// One of this loop's streams in a channel's list.
struct Subscriber {
    let slot: Int32
    /// Which of the stream's channels this is; ``StreamState/single`` for a stream with one.
    let member: Int32
}

/// A channel on one loop. Belongs to that loop.
final class Channel {
    let key: ChannelKey
    let epoch: Epoch
    let log: FramedLog
    /// Order carries no meaning: a stream leaves by swapping with the last.
    private(set) var subscribers: ContiguousArray<Subscriber> = []
    /// `nil` on a loop that follows.
    let home: ChannelHome?
    /// Monotonic nanoseconds since when no stream of this loop reads it, nor any publish came.
    var idleSince: Int64

    /// The sampled publishes of the latest events.
    var publishSpans = PublishSpans()
    /// Streams that read it, over all loops.
    let audience: ChannelAudience

    /// There are events that not every stream was offered.
    var isDirty = false
    /// Where in ``subscribers`` the fan-out under way goes on.
    var fanOutIndex = 0
    /// The log's head when that pass began.
    var fanOutHead: UInt64 = 0
    /// Every stream whose socket takes bytes has been offered all events before this one.
    var offeredBelow: UInt64 = 0

    init(key: ChannelKey, epoch: Epoch, log: FramedLog, home: ChannelHome?, audience: ChannelAudience, now: Int64) {
        self.key = key
        self.audience = audience
        self.epoch = epoch
        self.log = log
        self.home = home
        self.idleSince = now
    }

    /// No stream on any loop reads it, as far as this loop knows.
    var hasNoStreams: Bool { self.subscribers.isEmpty && (self.home?.followers.isEmpty ?? true) }

    /// - Returns: the place in the list; whoever keeps it is told when it changes.
    func add(_ subscriber: Subscriber) -> Int {
        self.subscribers.append(subscriber)
        self.audience.join()
        return self.subscribers.count - 1
    }

    /// - Returns: the subscriber that took the freed place, and whether the fan-out under way has passed that place
    ///   and so would miss it.
    func remove(at index: Int) -> (moved: Subscriber, isPassed: Bool)? {
        let last = self.subscribers.removeLast()
        defer { self.subscribers.giveBackSpare() }
        self.audience.leave()
        guard index < self.subscribers.count else { return nil }
        self.subscribers[index] = last
        return (last, self.isDirty && index < self.fanOutIndex)
    }

    /// The id of the newest event, or the position before the first.
    var headID: EventID { EventID(epoch: self.epoch, sequence: self.log.nextSequence - 1) }
}

/// How many streams read a channel, over all loops. Safe from any thread; touched when streams come and go.
final class ChannelAudience: Sendable {
    private let streams = Atomic<Int>(0)

    var count: Int { self.streams.load(ordering: .relaxed) }
    func join() { self.streams.add(1, ordering: .relaxed) }
    func leave() { self.streams.subtract(1, ordering: .relaxed) }
}

/// What only the home loop of a channel knows.
final class ChannelHome {
    /// Indices of the loops that keep a copy.
    var followers: Set<Int> = []
    /// Publishes a measurement channel's events while anyone listens.
    var ticker: SyntheticTicker?
}

/// Events on their way from a channel's home to a loop that follows it: one buffer, cut by `lengths`.
struct EventBatch: Sendable {
    var bytes = ByteBuffer()
    var lengths: [Int] = []
    /// Monotonic nanoseconds, one for each event.
    var publishedAt: [Int64] = []
    /// The publish that they came with, if it is sampled.
    var context: SpanContext?

    mutating func append(_ payload: ByteBuffer, publishedAt: Int64) {
        self.bytes.writeImmutableBuffer(payload)
        self.lengths.append(payload.readableBytes)
        self.publishedAt.append(publishedAt)
    }

    /// Everything that `log` holds.
    init(copying log: FramedLog) {
        for sequence in log.firstSequence..<log.nextSequence {
            guard let payload = log.payload(sequence), let time = log.publishedAt(sequence) else { continue }
            self.bytes.writeBytes(payload)
            self.lengths.append(payload.count)
            self.publishedAt.append(time)
        }
    }

    init() {}

    func forEach(_ body: (UnsafeRawBufferPointer, Int64) -> Void) {
        self.bytes.withUnsafeReadableBytes { all in
            var offset = 0
            for (length, time) in zip(self.lengths, self.publishedAt) {
                body(UnsafeRawBufferPointer(rebasing: all[offset..<offset + length]), time)
                offset += length
            }
        }
    }
}
