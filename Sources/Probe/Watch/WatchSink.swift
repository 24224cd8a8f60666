// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization
import Telemetry
import Transport

/// Counts what a canary's path brings, and lets it go. One lock around one state, held for a few additions.
final class WatchSink: SampleSink {
    /// What has not been reported to the origin yet. Bound: ``lagLimit``, the newest; it is one report's worth.
    static let lagLimit = 256

    private struct State {
        var clock = ClockTrack([])
        var order = OrderTracker()
        var spans: StreamSpans?
        /// Of the stream that is open.
        var started: Int64 = 0
        var lastArrival: Int64?
        var comments = 0
        var isOpen = false
        var isHeadwater = false
        var lags: [Int64] = []
        var total = WatchResult.Path()
    }

    private let path: ProbePath
    private let metrics: WatchMetrics
    private let state = Mutex(State())

    init(path: ProbePath, metrics: WatchMetrics) {
        self.path = path
        self.metrics = metrics
        state.withLock { $0.total = WatchResult.Path(name: path.name, url: "\(path.target)") }
    }

    /// A stream is about to be opened.
    func begin(_ spans: StreamSpans) {
        state.withLock { state in
            state.spans = spans
            state.isOpen = false
            state.comments = 0
            state.lastArrival = nil
        }
    }

    func add(_ estimate: ClockOffset) {
        state.withLock { state in
            // Two make a line; what is older serves nothing that is still to come.
            state.clock = ClockTrack(state.clock.estimates.suffix(1) + [estimate])
        }
        metrics.set(WatchMetrics.clockError, estimate.error.seconds, [path.name])
    }

    func add(_ sample: EventSample) {
        let (lag, gap, step) = state.withLock { state -> (Int64?, Int64?, OrderTracker.Step) in
            var lag = state.clock.latency(of: sample)
            // An event from before the stream was opened is replayed: its age says nothing of the way.
            if let found = lag, sample.lastByte - found < state.started { lag = nil }
            state.spans?.received(sample, lag: lag)
            let gap = state.lastArrival.map { sample.lastByte - $0 }
            state.lastArrival = sample.lastByte
            if let lag {
                if state.lags.count == Self.lagLimit { state.lags.removeFirst() }
                state.lags.append(lag)
                state.total.note(lag: lag)
            }
            let step = sample.sequence.map { state.order.note(sequence: $0, id: sample.id) } ?? .init()
            state.total.note(step)
            return (lag, gap, step)
        }
        metrics.add(to: WatchMetrics.events, [path.name])
        metrics.set(WatchMetrics.lastEvent, Clock.unix().seconds, [path.name])
        if let lag { metrics.observe(WatchMetrics.lag, nanoseconds: lag, [path.name]) }
        if let gap { metrics.observe(WatchMetrics.gap, nanoseconds: gap, [path.name]) }
        if step.lost > 0 { metrics.add(step.lost, to: WatchMetrics.defects, [path.name, "lost"]) }
        if step.duplicated > 0 { metrics.add(step.duplicated, to: WatchMetrics.defects, [path.name, "duplicated"]) }
        if step.reordered > 0 { metrics.add(step.reordered, to: WatchMetrics.defects, [path.name, "reordered"]) }
    }

    func put(_ record: StreamRecord) {
        let (comments, hasOpened, hasEnded) = state.withLock { state in
            state.started = record.started
            state.spans?.opened(record)
            if record.status == 200 { state.isHeadwater = record.headers.areOfHeadwater }
            let comments = record.comments - state.comments
            state.comments = record.comments
            let hasOpened = record.status == 200 && !state.isOpen && record.ending == nil
            if hasOpened { state.isOpen = true }
            guard record.ended != nil else { return (comments, hasOpened, false) }
            state.isOpen = false
            state.spans?.ended(record)
            state.spans = nil
            state.total.note(record)
            return (comments, hasOpened, true)
        }
        if comments > 0 { metrics.add(comments, to: WatchMetrics.heartbeats, [path.name]) }
        if hasOpened {
            metrics.add(to: WatchMetrics.opened, [path.name])
            metrics.set(WatchMetrics.up, 1, [path.name])
        }
        if hasEnded { noteEnd(of: record) }
    }

    private func noteEnd(of record: StreamRecord) {
        metrics.add(to: WatchMetrics.ended, [path.name, WatchMetrics.Outcome(record.ending).rawValue])
        metrics.set(WatchMetrics.up, 0, [path.name])
        let phases = record.phases
        let steps: [(String, Int64?)] = [
            ("dns", phases.resolve), ("connect", phases.connect), ("tls", phases.handshake),
            ("settings", phases.settings), ("head", phases.requestToHead), ("first_event", record.timeToFirstEvent),
        ]
        for case (let name, let time?) in steps {
            metrics.observe(WatchMetrics.phase, nanoseconds: time, [path.name, name])
        }
    }

    /// The lags since the last call, in nanoseconds, and how wrong they can be.
    func takeLags() -> (lags: [Int64], error: Int64) {
        state.withLock { state in
            defer { state.lags = [] }
            return (state.lags, state.clock.error ?? 0)
        }
    }

    /// Whether the origin has `/time` and `/beacon`, by the fields of its last response.
    var isHeadwater: Bool { state.withLock { $0.isHeadwater } }

    var total: WatchResult.Path { state.withLock { $0.total } }
}
