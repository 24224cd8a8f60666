// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// What a process keeps of its spans for itself: the trace ring and the log of spans. A task does the work, so that an
/// event loop only hands over an array.
///
/// The inbox between them is bounded by spans; when the task cannot keep up, because a terminal is slow, the oldest
/// chunks go and are counted as ``overrun``. Two locks, never held together.
public final class SpanRecorder: Sendable {
    private struct Inbox {
        var chunks: [[FinishedSpan]] = []
        var spans = 0
        var overrun = 0
    }

    /// Spans between hand-over and the task: twice what one flush of many event loops brings.
    static let inboxCapacity = 16_384

    private let inbox = Mutex(Inbox())
    private let ring: Mutex<TraceRing>
    private let line: (@Sendable (String) -> Void)?
    let signal = WakeSignal()

    /// - Parameter line: Gets one line per span, on the recorder's task, where it may block; nil for no log.
    public init(ring: TraceRing = TraceRing(), line: (@Sendable (String) -> Void)? = nil) {
        self.ring = Mutex(ring)
        self.line = line
    }

    /// Spans that neither ring nor log got.
    public var overrun: Int { inbox.withLock { $0.overrun } }

    /// The spans of one trace, its root first; empty when it is not stored.
    public func spans(of traceID: TraceID) -> [FinishedSpan] { ring.withLock { $0.spans(of: traceID) } }

    /// The stored traces, the one heard of last first.
    public func summaries(limit: Int = .max) -> [TraceSummary] { ring.withLock { $0.summaries(limit: limit) } }

    /// From any thread: a short lock, an array appended.
    func submit(_ spans: [FinishedSpan]) {
        let wasEmpty = inbox.withLock { inbox -> Bool in
            let wasEmpty = inbox.chunks.isEmpty
            inbox.chunks.append(spans)
            inbox.spans += spans.count
            while inbox.spans > Self.inboxCapacity, inbox.chunks.count > 1 {
                let oldest = inbox.chunks.removeFirst()
                inbox.spans -= oldest.count
                inbox.overrun += oldest.count
            }
            return wasEmpty
        }
        if wasEmpty { signal.raise() }
    }

    /// Moves what is in the inbox to ring and log.
    func absorb() {
        let chunks = inbox.withLock { inbox in
            let chunks = inbox.chunks
            inbox.chunks = []
            inbox.spans = 0
            return chunks
        }
        for chunk in chunks {
            ring.withLock { ring in
                for span in chunk { ring.insert(span) }
            }
            if let line {
                for span in chunk { line(SpanLine.text(span)) }
            }
        }
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
