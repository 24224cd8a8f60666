// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// What a process keeps of its spans for itself: the trace ring and the log of spans.
///
/// An event loop only hands over an array. The ring takes what is in this inbox when somebody looks at it, and before
/// it gets long, on a task of its own: to wake a thread for the spans of each tenth of a second would cost more than
/// to record them. A log has its lines at once.
///
/// The inbox is bounded by spans; when the task cannot keep up, because a terminal is slow, the oldest chunks go and
/// are counted as ``overrun``. Two locks; the inbox's is taken under the ring's, so that no reader misses what another
/// has taken out and not yet stored.
public final class SpanRecorder: Sendable {
    private struct Inbox {
        var chunks: [[EndedSpan]] = []
        var spans = 0
        var overrun = 0
    }

    /// Spans between hand-over and the task: twice what one flush of many event loops brings.
    static let inboxCapacity = 16_384
    /// Spans that are worth waking the task: a second of the usual budget, and a tenth of a millisecond for a reader.
    static let worthWaking = 2048

    private let inbox = Mutex(Inbox())
    private let ring: Mutex<TraceRing>
    private let line: (@Sendable (String) -> Void)?
    private let wakeAt: Int
    let signal = WakeSignal()

    /// - Parameter line: Gets one line per span, on the recorder's task, where it may block; nil for no log.
    public init(ring: TraceRing = TraceRing(), line: (@Sendable (String) -> Void)? = nil) {
        self.ring = Mutex(ring)
        self.line = line
        self.wakeAt = line == nil ? Self.worthWaking : 1
    }

    /// Spans that neither ring nor log got.
    public var overrun: Int { inbox.withLock { $0.overrun } }

    /// The spans of one trace, its root first; empty when it is not stored.
    public func spans(of traceID: TraceID) -> [FinishedSpan] { read { $0.spans(of: traceID) } }

    /// The stored traces, the one heard of last first.
    public func summaries() -> [TraceSummary] { read { $0.summaries() } }

    /// From any thread: a short lock, an array appended.
    func submit(_ spans: [EndedSpan]) {
        let wakes = inbox.withLock { inbox -> Bool in
            let before = inbox.spans
            inbox.chunks.append(spans)
            inbox.spans += spans.count
            while inbox.spans > Self.inboxCapacity, inbox.chunks.count > 1 {
                let oldest = inbox.chunks.removeFirst()
                inbox.spans -= oldest.count
                inbox.overrun += oldest.count
            }
            return before < wakeAt && inbox.spans >= wakeAt
        }
        if wakes { signal.raise() }
    }

    /// A log's lines come from the task alone, in order; without one, a reader moves what it wants to see.
    private func read<Answer>(_ body: (TraceRing) -> Answer) -> Answer {
        ring.withLock { ring in
            if line == nil { _ = moveInbox(to: &ring) }
            return body(ring)
        }
    }

    /// Moves what is in the inbox to ring and log.
    func absorb() {
        let chunks = ring.withLock { moveInbox(to: &$0) }
        guard let line else { return }
        for chunk in chunks {
            for span in chunk { line(SpanLine.text(span.finished)) }
        }
    }

    private func moveInbox(to ring: inout TraceRing) -> [[EndedSpan]] {
        let chunks = inbox.withLock { inbox in
            let chunks = inbox.chunks
            inbox.chunks = []
            inbox.spans = 0
            return chunks
        }
        for chunk in chunks {
            for span in chunk { ring.insert(span) }
        }
        return chunks
    }

    /// Until the task is cancelled; what is in the inbox then is still absorbed.
    func run() async {
        while !Task.isCancelled {
            await signal.wait()
            absorb()
        }
        absorb()
    }
}
