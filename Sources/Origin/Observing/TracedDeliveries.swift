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
        /// Places of the streams' traces.
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
    /// Each is held by its stream's record, or by ``ended``.
    private var traces: [Unmanaged<StreamTrace>] = []
    /// Of streams that ended before their last events were recorded.
    private var ended: [StreamTrace] = []

    var isEmpty: Bool { self.runs.isEmpty }

    /// - Parameter trace: of an open stream; ``keep(_:)`` it when the stream ends.
    mutating func add(
        _ trace: Unmanaged<StreamTrace>,
        of channel: Channel,
        from first: UInt64,
        to next: UInt64,
        isReplay: Bool,
        over applicationProtocol: ApplicationProtocol,
        now: Int64
    ) {
        let place = self.traces.count
        self.traces.append(trace)
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

    /// The stream of this trace is over.
    mutating func keep(_ trace: StreamTrace) {
        if !self.isEmpty { self.ended.append(trace) }
    }

    mutating func removeAll() {
        self.runs.removeAll(keepingCapacity: true)
        self.traces.removeAll(keepingCapacity: true)
        self.ended.removeAll()
    }

    @inline(__always)
    func forEachTrace(of run: Run, _ body: (StreamTrace) -> Void) {
        for place in run.places { self.traces[place]._withUnsafeGuaranteedRef(body) }
    }
}
