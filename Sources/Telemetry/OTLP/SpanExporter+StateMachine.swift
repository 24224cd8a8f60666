// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// When a batch is taken, sent, sent again, or given up. Pure: times and random numbers are passed in, nothing is read.
///
/// When a batch is taken, sent, sent again, or given up. Pure: times and random numbers are passed in, none is read.
struct SpanExporterStateMachine: Equatable {
    /// The bounds, all in nanoseconds.
    struct Timing: Hashable, Sendable {
        /// `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`.
        var batchSize = 512
        /// `OTEL_BSP_SCHEDULE_DELAY`: the longest that a span waits for others.
        var delay: Int64 = 5_000_000_000
        /// `OTEL_BSP_EXPORT_TIMEOUT`: from the first attempt until the batch is given up.
        var exportTimeout: Int64 = 30_000_000_000
        /// `OTEL_EXPORTER_OTLP_TIMEOUT`: one attempt.
        var requestTimeout: Int64 = 10_000_000_000
        /// The first wait between attempts; each further one is twice as long, up to the last.
        var firstBackoff: Int64 = 1_000_000_000
        var lastBackoff: Int64 = 16_000_000_000
        /// The longest that a collector may keep later batches waiting by `Retry-After`.
        var longestPause: Int64 = 300_000_000_000
    }

    /// What waits in the queue.
    struct Waiting: Hashable {
        var count = 0
        /// When the oldest came, monotonic.
        var since: Int64 = 0
        /// Someone waits for these spans: no delay.
        var isFlushing = false
    }

    enum Step: Hashable {
        /// Nothing to do before this moment, or before something changes.
        case sleep(until: Int64?)
        /// Take at most this many spans and say ``SpanExporterStateMachine/batchTaken(spans:now:)``.
        case takeBatch(Int)
        /// Send the batch at hand and say ``SpanExporterStateMachine/answered(_:now:jitter:)``.
        case send(timeout: Int64)
        /// The bound of the shutdown has come: what is left is lost.
        case abandon
        /// Nothing is left and nothing will come.
        case finish
    }

    enum Outcome: Hashable {
        /// The same batch goes out again at this moment.
        case retry(at: Int64, cause: String)
        case exported(Int, rejected: Int, message: String)
        case dropped(Int, SpanDropReason, cause: String)
    }

    private struct Batch: Hashable {
        var spans: Int
        var deadline: Int64
        var attempts: Int
    }

    private enum Phase: Hashable {
        case idle
        case sending(Batch)
        case waiting(Batch, until: Int64, cause: String, byCollector: Bool)
        case finished
    }

    let timing: Timing
    private var phase: Phase = .idle
    /// No batch goes out before this moment: the collector asked for it.
    private var pausedUntil: Int64 = .min
    /// When all must be over.
    private(set) var shutdownDeadline: Int64?

    init(timing: Timing = Timing()) { self.timing = timing }

    /// What to do now. Asking twice changes nothing.
    func next(_ waiting: Waiting, now: Int64) -> Step {
        if case .finished = phase { return .finish }
        if let shutdownDeadline, now >= shutdownDeadline { return .abandon }
        switch phase {
        case .finished: return .finish
        case .sending(let batch): return .send(timeout: attemptTimeout(batch, now))
        case .waiting(let batch, let until, _, _):
            if now >= until { return .send(timeout: attemptTimeout(batch, now)) }
            if let shutdownDeadline, until >= shutdownDeadline { return .abandon }
            return .sleep(until: until)
        case .idle: return nextBatch(waiting, now: now)
        }
    }

    private func nextBatch(_ waiting: Waiting, now: Int64) -> Step {
        if waiting.count == 0 { return shutdownDeadline == nil ? .sleep(until: nil) : .finish }
        if now < pausedUntil {
            if let shutdownDeadline, pausedUntil >= shutdownDeadline { return .abandon }
            return .sleep(until: pausedUntil)
        }
        let due = waiting.since + timing.delay
        let isDue = waiting.isFlushing || shutdownDeadline != nil || waiting.count >= timing.batchSize || now >= due
        return isDue ? .takeBatch(timing.batchSize) : .sleep(until: due)
    }

    /// A batch of so many spans, none of which is counted as queued any more, is ready to be sent.
    mutating func batchTaken(spans: Int, now: Int64) {
        guard case .idle = phase, spans > 0 else { return }
        var deadline = now + timing.exportTimeout
        if let shutdownDeadline { deadline = min(deadline, shutdownDeadline) }
        phase = .sending(Batch(spans: spans, deadline: deadline, attempts: 0))
    }

    /// - Parameter jitter: From 0 to 1, uniformly random, so that many processes do not come back at once.
    mutating func answered(_ verdict: OTLPVerdict, now: Int64, jitter: Double) -> Outcome? {
        guard var batch = batchAtHand else { return nil }
        batch.attempts += 1
        if let shutdownDeadline { batch.deadline = min(batch.deadline, shutdownDeadline) }
        switch verdict {
        case .delivered(let rejected, let message):
            phase = .idle
            // A collector that rejects more than it got, or less than nothing, cannot count.
            let rejected = Int(min(max(rejected, 0), Int64(batch.spans)))
            return .exported(batch.spans - rejected, rejected: rejected, message: message)
        case .final(let reason, let cause):
            phase = .idle
            return .dropped(batch.spans, reason, cause: cause)
        case .retryable(let cause, let after):
            let wait = after ?? backoff(attempts: batch.attempts, jitter: jitter)
            if after != nil { pausedUntil = max(pausedUntil, now + min(wait, timing.longestPause)) }
            guard now + wait < batch.deadline else {
                phase = .idle
                return .dropped(batch.spans, shutdownDeadline == nil ? .retriesExhausted : .shutdown, cause: cause)
            }
            phase = .waiting(batch, until: now + wait, cause: cause, byCollector: after != nil)
            return .retry(at: now + wait, cause: cause)
        }
    }

    /// From here on nothing waits for its delay, and all ends at the deadline.
    mutating func shutDown(deadline: Int64) {
        // The wait of our own that is under way is cut short: minutes may have passed in which the collector came back.
        // The collector's is not ours to cut.
        if shutdownDeadline == nil, case .waiting(let batch, _, let cause, byCollector: false) = phase {
            phase = .waiting(batch, until: .min, cause: cause, byCollector: false)
        }
        shutdownDeadline = min(deadline, shutdownDeadline ?? .max)
    }

    /// All is sent, or given up.
    mutating func finished() { phase = .finished }

    private var batchAtHand: Batch? {
        switch phase {
        case .sending(let batch), .waiting(let batch, _, _, _): batch
        case .idle, .finished: nil
        }
    }

    private func attemptTimeout(_ batch: Batch, _ now: Int64) -> Int64 {
        let deadline = min(batch.deadline, shutdownDeadline ?? .max)
        return max(1, min(timing.requestTimeout, deadline - now))
    }

    /// Between half of the doubled wait and all of it.
    private func backoff(attempts: Int, jitter: Double) -> Int64 {
        let doubled = timing.firstBackoff << Int64(min(max(attempts - 1, 0), 20))
        return Int64(Double(min(doubled, timing.lastBackoff)) * (0.5 + 0.5 * min(max(jitter, 0), 1)))
    }
}
