// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// Takes ended spans from event loops and passes them on: to the exporter in batches, and to the recorder.
///
/// `submit` never waits and never allocates more than an array slot: one lock that guards one `State`, held for a few
/// instructions. Bounded from here on by ``PipelineCounts/queueCapacity``; overflow: the newest go and are counted.
/// Everything slow happens in the task that calls ``run()``.
public final class SpanProcessor: Sendable {
    struct State {
        var queue: SpanQueue
        var counts: PipelineCounts
        /// When the queue was last empty, or a batch taken from it.
        var waitingSince: Int64 = 0
        /// How many spans in the queue wake the exporter; it sets this before it sleeps. `.max` while it is at work,
        /// and before it has looked for the first time.
        var wakeAt = Int.max
        var shutdownDeadline: Int64?
        /// Nothing is sent any more; what is still out is counted as lost already.
        var isOver = false
        /// Spans that ever entered the queue, and of those, the ones with a fate.
        var accepted = 0
        var settled = 0
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    struct Waiter {
        /// What `settled` must reach, or nil for the end of everything.
        let target: Int?
        let continuation: CheckedContinuation<Bool, Never>
    }

    let state: Mutex<State>
    let signal = WakeSignal()
    let clock: TelemetryClock
    let exporter: SpanExporter?
    /// The ring and the log; nil when neither is wanted.
    public let recorder: SpanRecorder?

    /// - Parameters:
    ///   - queueCapacity: `OTEL_BSP_MAX_QUEUE_SIZE`.
    ///   - exporter: Nil when spans stay in the process.
    public init(
        queueCapacity: Int = 2048,
        exporter: SpanExporter?,
        recorder: SpanRecorder? = SpanRecorder(),
        clock: TelemetryClock = .system
    ) {
        let capacity = max(1, queueCapacity)
        state = Mutex(
            State(queue: SpanQueue(capacity: capacity), counts: PipelineCounts(queueCapacity: capacity))
        )
        self.exporter = exporter
        self.recorder = recorder
        self.clock = clock
    }

    /// Where all spans went so far. From any thread.
    public var counts: PipelineCounts {
        state.withLock { state in
            var counts = state.counts
            counts.queued = state.queue.count
            return counts
        }
    }

    /// Takes over what has ended. From any thread.
    public func submit(_ spans: [FinishedSpan]) { submit(spans.map(EndedSpan.init), tally: SpanTally()) }

    func submit(_ spans: [EndedSpan], tally: SpanTally) {
        let now = clock.monotonic()
        let wakes = state.withLock { state -> Bool in
            state.counts.add(tally)
            state.counts.ended += spans.count
            if spans.isEmpty { return false }
            guard exporter != nil else {
                state.counts.kept += spans.count
                return false
            }
            if state.shutdownDeadline != nil {
                state.counts[dropped: .shutdown] += spans.count
                return false
            }
            if state.queue.count == 0 { state.waitingSince = now }
            let taken = state.queue.append(spans)
            state.accepted += taken
            state.counts[dropped: .queueFull] += spans.count - taken
            guard state.queue.count >= state.wakeAt else { return false }
            state.wakeAt = .max
            return true
        }
        if wakes { signal.raise() }
        if !spans.isEmpty { recorder?.submit(spans) }
    }

    /// Exports and records until ``shutDown(within:)`` has ended, or its bound has come. Call it once. Cancelling its
    /// task shuts down within five seconds.
    public func run() async {
        let exporting = exporter.map { exporter in Task { await exporter.run(self) } }
        let recording = recorder.map { recorder in Task { await recorder.run() } }
        await withTaskCancellationHandler {
            _ = await wait(for: nil, deadline: nil)
        } onCancel: {
            Task { await self.shutDown() }
        }
        exporting?.cancel()
        recording?.cancel()
        await recording?.value
    }

    /// Sends what has been submitted so far. False when that was not done in time.
    public func forceFlush(within bound: Duration = .seconds(30)) async -> Bool {
        let deadline = clock.monotonic() + bound.wholeNanoseconds
        let target = state.withLock { $0.accepted }
        return await wait(for: target, deadline: deadline)
    }

    /// Takes no more spans, sends those it has, and says how many were lost to the end of the process.
    @discardableResult
    public func shutDown(within bound: Duration = .seconds(5)) async -> Int {
        let deadline = clock.monotonic() + bound.wholeNanoseconds
        state.withLock { $0.shutdownDeadline = min(deadline, $0.shutdownDeadline ?? .max) }
        signal.raise()
        if exporter == nil {
            end()
        } else if await !wait(for: nil, deadline: deadline) {
            end()
        }
        return state.withLock { $0.counts[dropped: .shutdown] }
    }

    // MARK: Waiting

    /// True when the target was reached, or all is over; false when the deadline came first.
    private func wait(for target: Int?, deadline: Int64?) async -> Bool {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let alarm = deadline.map { deadline in
            Task {
                try? await clock.sleep(deadline)
                resume(waiter: id)
            }
        }
        defer { alarm?.cancel() }
        return await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.isOver { return true }
                if let target, state.settled >= target { return true }
                if let deadline, clock.monotonic() >= deadline { return false }
                state.waiters[id] = Waiter(target: target, continuation: continuation)
                return nil
            }
            if let answer { return continuation.resume(returning: answer) }
            if target != nil { signal.raise() }
        }
    }

    private func resume(waiter id: Int) {
        state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: false)
    }
}

// MARK: The exporter's side

extension SpanProcessor {
    /// What the exporter's state machine wants to know; nil once all is over. Also says when to wake it.
    func waiting(wakeAt: (SpanExporterStateMachine.Waiting) -> Int) -> (SpanExporterStateMachine.Waiting, Int64?)? {
        state.withLock { state in
            if state.isOver { return nil }
            let waiting = SpanExporterStateMachine.Waiting(
                count: state.queue.count,
                since: state.waitingSince,
                isFlushing: state.waiters.values.contains { $0.target.map { $0 > state.settled } ?? false }
            )
            state.wakeAt = wakeAt(waiting)
            return (waiting, state.shutdownDeadline)
        }
    }

    func takeBatch(_ limit: Int) -> [EndedSpan] {
        let now = clock.monotonic()
        return state.withLock { state in
            let batch = state.queue.take(limit)
            state.waitingSince = now
            state.counts.inFlight += batch.count
            return batch
        }
    }

    /// The fate of spans that were in flight.
    func settle(exported: Int = 0, rejected: Int = 0, dropped: Int = 0, reason: SpanDropReason = .refused) {
        let reached = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            // After the end they are counted as lost, whatever an answer that came too late said.
            if state.isOver { return [] }
            state.counts.exported += exported
            state.counts.rejected += rejected
            state.counts[dropped: reason] += dropped
            state.counts.inFlight -= exported + rejected + dropped
            state.settled += exported + rejected + dropped
            let settled = state.settled
            let reached = state.waiters.filter { $0.value.target.map { $0 <= settled } ?? false }
            for id in reached.keys { state.waiters[id] = nil }
            return reached.values.map(\.continuation)
        }
        for continuation in reached { continuation.resume(returning: true) }
    }

    /// All is over: what is queued or in flight is lost, and everyone who waits is told.
    func end() {
        let waiting = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            if state.isOver { return [] }
            state.isOver = true
            let lost = state.queue.take(.max).count + state.counts.inFlight
            state.counts[dropped: .shutdown] += lost
            state.counts.inFlight = 0
            defer { state.waiters = [:] }
            return state.waiters.values.map(\.continuation)
        }
        for continuation in waiting { continuation.resume(returning: true) }
        signal.raise()
    }
}

extension Duration {
    /// Clamped to what 64 bits hold.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        // Half of the range, so that an instant and a duration can be added.
        if seconds > 4_000_000_000 { return 4_000_000_000_000_000_000 }
        return max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
