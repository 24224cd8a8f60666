// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What is due without any event: heartbeats, ends, and streams that have been slow for too long. One walk over all
// streams ten times a second replaces a timer for each.

import NIOCore
import Transport

extension Shard {
    private static let sweepInterval = TimeAmount.milliseconds(100)
    /// Streams looked at before other work gets its turn: if all are due for a heartbeat, that is some 4 ms.
    private static let streamsPerTurn = 512

    func startSweeping() {
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.sweepTask = self.loop.scheduleRepeatedTask(initialDelay: Self.sweepInterval, delay: Self.sweepInterval) {
            _ in
            let now = Clock.monotonic()
            let isSecond = now - bound.value.lastChannelSweep >= 1_000_000_000
            bound.value.tally = SweepTally(looksAtTraces: isSecond)
            bound.value.sweep(from: 0)
            if isSecond {
                bound.value.lastChannelSweep = now
                bound.value.sweepChannels(now: now)
                bound.value.surveyConnections()
            }
        }
    }

    private func sweep(from start: Int) {
        let now = Clock.monotonic()
        let end = min(self.streams.range.upperBound, start + Self.streamsPerTurn)
        for slot in start..<max(start, end) where self.streams.holds(slot) { self.attend(Int32(slot), now: now) }
        if end < self.streams.range.upperBound { return self.afterInput { $0.sweep(from: end) } }
        self.metrics.swept(self.tally)
        self.followClock()
        self.spans.flush()
    }

    private func attend(_ slot: Int32, now: Int64) {
        let stream = self.streams[slot]
        if stream.pointee.isTraced, self.tally.looksAtTraces { self.continueTrace(stream, now: now) }
        if stream.pointee.isEnding, let ending = stream.pointee.record.ending {
            if now >= ending.patience { self.cut(slot, reason: ending.reason, now: now) }
        } else if stream.pointee.blockedSince != 0 {
            self.tally.add(stream.pointee, now: now)
            if let bound = self.exceededBound(stream.pointee, now: now) {
                self.cut(slot, reason: .slowConsumer(bound), now: now)
            }
        } else if now >= stream.pointee.deadline {
            self.end(slot, reason: stream.pointee.record.deadlineReason, now: now)
        } else {
            self.beatIfDue(stream, now: now)
        }
    }

    private func beatIfDue(_ stream: UnsafeMutablePointer<StreamState>, now: Int64) {
        let interval = stream.pointee.heartbeatInterval
        guard interval > 0, now - stream.pointee.lastWriteAt >= interval else { return }
        let record = stream.pointee.record
        let message =
            record.heartbeat == .comment
            ? StreamMessage.heartbeat : StreamMessage.heartbeatEvent(unixNanoseconds: Clock.unix())
        let delay = now - stream.pointee.lastWriteAt - interval
        guard self.send(message, to: stream, now: now) else { return }
        record.heartbeatCount += 1
        self.metrics.heartbeatSent(delay: delay)
    }

    /// Which bound a blocked stream has gone beyond.
    private func exceededBound(_ stream: StreamState, now: Int64) -> OriginClose.SlowBound? {
        let blocked = (now - stream.blockedSince).seconds
        if blocked >= self.configuration.slowSeconds { return .seconds(blocked) }
        guard self.configuration.slowConsumer == .close else { return nil }
        if stream.hasFallenOff { return .fellOffRing }
        let backlog = stream.backlogBytes
        return backlog >= self.configuration.slowBytes ? .bytes(backlog) : nil
    }
}

/// What one sweep over all streams has found. Streams that are not blocked have got everything.
struct SweepTally {
    private static let slow: Int64 = 1_000_000_000

    /// Traces lie apart from the streams' hot state, so only one sweep in ten looks at them.
    var looksAtTraces = false

    private(set) var backlogBytes = 0
    private(set) var slowStreams = 0
    private(set) var stalledStreams = 0

    mutating func add(_ stream: StreamState, now: Int64) {
        self.backlogBytes += stream.backlogBytes
        if now - stream.blockedSince >= Self.slow { self.slowStreams += 1 }
        if stream.waitsForWindow { self.stalledStreams += 1 }
    }
}

extension StreamState {
    /// Bytes of its channels that it was not given yet.
    var backlogBytes: Int {
        self.record.members.isEmpty
            ? self.channel.log.backlog(from: self.position)
            : self.record.members.reduce(0) { $0 + $1.channel.log.backlog(from: $1.position) }
    }

    /// A log dropped events that it was not given.
    fileprivate var hasFallenOff: Bool {
        self.record.members.isEmpty
            ? self.position < self.channel.log.firstSequence
            : self.record.members.contains { $0.position < $0.channel.log.firstSequence }
    }
}
