// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Traced streams that were handed events, to be recorded once it is known when they left. What a stream keeps for its
// trace lies apart and has long left the caches, so nothing here touches it while the fan-out is under way: not even to
// count a reference.

import Transport

/// Bound: the deliveries of a turn. Belongs to its event loop.
struct TracedDeliveries {
    /// Streams that were handed the same events at the same time, one after the other.
    struct Run {
        let channel: Channel
        let first: UInt64
        let next: UInt64
        /// They were published before the streams opened.
        let isReplay: Bool
        let applicationProtocol: ApplicationProtocol
        let startedAt: Int64
        /// Of the streams.
        fileprivate(set) var places: Range<Int>

        /// When the oldest of the events that the log still has was published: theirs is the longest lag.
        var firstPublishedAt: Int64? {
            for sequence in self.first..<self.next {
                if let published = self.channel.log.publishedAt(sequence) { return published }
            }
            return nil
        }
    }

    private(set) var runs: [Run] = []
    /// Each is held by its stream's state, or by ``ended``.
    private var streams: [Unmanaged<StreamRecord>] = []
    /// Streams that ended before their last events were recorded.
    private var ended: [StreamRecord] = []
    /// Of ``streams``, after ``findTraces()``.
    private var traces: [Unmanaged<StreamTrace>?] = []

    var isEmpty: Bool { self.runs.isEmpty }

    /// - Parameter stream: has a trace; ``keep(_:)`` it when it ends.
    @inline(__always)
    mutating func add(
        _ stream: Unmanaged<StreamRecord>,
        of channel: Channel,
        from first: UInt64,
        to next: UInt64,
        isReplay: Bool,
        over applicationProtocol: ApplicationProtocol,
        now: Int64
    ) {
        let place = self.streams.count
        self.streams.append(stream)
        if let last = self.runs.last, last.first == first, last.next == next, last.channel === channel,
            last.startedAt == now, last.isReplay == isReplay, last.applicationProtocol == applicationProtocol
        {
            self.runs[self.runs.count - 1].places = last.places.lowerBound..<place + 1
        } else {
            self.runs.append(
                Run(
                    channel: channel, first: first, next: next, isReplay: isReplay,
                    applicationProtocol: applicationProtocol, startedAt: now, places: place..<place + 1))
        }
    }

    /// This stream is over.
    mutating func keep(_ stream: StreamRecord) {
        if !self.isEmpty { self.ended.append(stream) }
    }

    /// Before the first ``forEachTrace(of:_:)``.
    mutating func findTraces() {
        self.traces.removeAll(keepingCapacity: true)
        for stream in self.streams { self.traces.append(stream._withUnsafeGuaranteedRef { $0.uncountedTrace }) }
    }

    mutating func removeAll() {
        self.runs.removeAll(keepingCapacity: true)
        self.streams.removeAll(keepingCapacity: true)
        self.ended.removeAll()
    }

    @inline(__always)
    func forEachTrace(of run: Run, _ body: (StreamTrace) -> Void) {
        for place in run.places { self.traces[place]?._withUnsafeGuaranteedRef(body) }
    }
}
