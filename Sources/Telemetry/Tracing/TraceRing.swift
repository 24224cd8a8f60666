// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The last traces of the process, for looking at one without a collector. A pure store: no lock, no clock.
///
/// Bounded three ways, and nothing is refused: when there are too many traces, or too many spans in all, the trace
/// that has been silent for longest goes as a whole; when one trace has too many spans, its oldest ones go, but never
/// its root. What a trace lost is counted in it; what went as a whole is counted in ``evictedTraces``.
public struct TraceRing: Sendable {
    /// The bounds; a span takes about half a kilobyte.
    public struct Bounds: Hashable, Sendable {
        public var traces = 256
        public var spansPerTrace = 1024
        public var spans = 16_384

        public init(traces: Int = 256, spansPerTrace: Int = 1024, spans: Int = 16_384) {
            self.traces = max(1, traces)
            self.spans = max(1, spans)
            self.spansPerTrace = min(max(1, spansPerTrace), self.spans)
        }
    }

    /// One stored trace. The spans after the root are a ring: `oldest` is where the next one goes when it is full.
    private struct Slot: Sendable {
        var traceID: TraceID
        var root: FinishedSpan?
        var spans: [FinishedSpan] = []
        var oldest = 0
        var droppedSpans = 0
        /// Neighbours in the order of the last span, as indices of slots; -1 for none.
        var quieter = -1
        var livelier = -1

        var count: Int { spans.count + (root == nil ? 0 : 1) }
    }

    public let bounds: Bounds
    /// Traces that made room for newer ones.
    public private(set) var evictedTraces = 0
    /// Spans stored now.
    public private(set) var spanCount = 0
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var index: [TraceID: Int] = [:]
    private var quietest = -1
    private var liveliest = -1

    public init(bounds: Bounds = Bounds()) { self.bounds = bounds }

    public var traceCount: Int { index.count }

    public mutating func insert(_ span: FinishedSpan) {
        let slot = slot(for: span.context.traceID)
        if slots[slot].root == nil, span.isLocalRoot {
            if slots[slot].count == bounds.spansPerTrace { dropOldest(slot) }
            slots[slot].root = span
        } else if slots[slot].count < bounds.spansPerTrace {
            append(span, to: slot)
        } else if slots[slot].spans.isEmpty {
            slots[slot].droppedSpans += 1
            return
        } else {
            slots[slot].spans[slots[slot].oldest] = span
            slots[slot].oldest = (slots[slot].oldest + 1) % slots[slot].spans.count
            slots[slot].droppedSpans += 1
            return
        }
        spanCount += 1
        // A trace alone holds at most `spansPerTrace`, which is no more than `spans`: this ends.
        while spanCount > bounds.spans, quietest != slot { evict(quietest) }
    }

    /// The spans of a trace, the root first and the others as they ended; empty when it is not here.
    public func spans(of traceID: TraceID) -> [FinishedSpan] {
        guard let slot = index[traceID].map({ slots[$0] }) else { return [] }
        return (slot.root.map { [$0] } ?? []) + slot.spans[slot.oldest...] + slot.spans[..<slot.oldest]
    }

    /// What a list shows, the trace that was heard of last first.
    public func summaries(limit: Int = .max) -> [TraceSummary] {
        var list: [TraceSummary] = []
        var at = liveliest
        while at >= 0, list.count < limit {
            list.append(summary(slots[at]))
            at = slots[at].quieter
        }
        return list
    }

    private func summary(_ slot: Slot) -> TraceSummary {
        let spans = (slot.root.map { [$0] } ?? []) + slot.spans
        let start = spans.lazy.map(\.start).min() ?? 0
        return TraceSummary(
            traceID: slot.traceID,
            rootName: slot.root?.name,
            start: start,
            duration: (spans.lazy.map(\.end).max() ?? start) - start,
            spanCount: slot.count,
            droppedSpans: slot.droppedSpans,
            hasError: spans.contains { if case .error = $0.status { true } else { false } }
        )
    }

    // MARK: Slots

    private mutating func slot(for traceID: TraceID) -> Int {
        if let slot = index[traceID] {
            if slot != liveliest {
                unlink(slot)
                linkAsLiveliest(slot)
            }
            return slot
        }
        if index.count == bounds.traces { evict(quietest) }
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = Slot(traceID: traceID)
        } else {
            slot = slots.count
            slots.append(Slot(traceID: traceID))
        }
        index[traceID] = slot
        linkAsLiveliest(slot)
        return slot
    }

    /// Only while the trace has room; straightens its ring first if it was full before.
    private mutating func append(_ span: FinishedSpan, to slot: Int) {
        if slots[slot].oldest != 0 {
            let oldest = slots[slot].oldest
            slots[slot].spans = Array(slots[slot].spans[oldest...] + slots[slot].spans[..<oldest])
            slots[slot].oldest = 0
        }
        slots[slot].spans.append(span)
    }

    private mutating func dropOldest(_ slot: Int) {
        slots[slot].spans.remove(at: slots[slot].oldest)
        if slots[slot].oldest == slots[slot].spans.count { slots[slot].oldest = 0 }
        slots[slot].droppedSpans += 1
        spanCount -= 1
    }

    private mutating func evict(_ slot: Int) {
        unlink(slot)
        index[slots[slot].traceID] = nil
        spanCount -= slots[slot].count
        slots[slot] = Slot(traceID: .invalid)
        free.append(slot)
        evictedTraces += 1
    }

    private mutating func unlink(_ slot: Int) {
        let (quieter, livelier) = (slots[slot].quieter, slots[slot].livelier)
        if quieter >= 0 { slots[quieter].livelier = livelier } else { quietest = livelier }
        if livelier >= 0 { slots[livelier].quieter = quieter } else { liveliest = quieter }
        slots[slot].quieter = -1
        slots[slot].livelier = -1
    }

    private mutating func linkAsLiveliest(_ slot: Int) {
        slots[slot].quieter = liveliest
        if liveliest >= 0 { slots[liveliest].livelier = slot } else { quietest = slot }
        liveliest = slot
    }
}

/// One line of the list of traces.
public struct TraceSummary: Hashable, Sendable {
    public let traceID: TraceID
    /// Nil while the root has not ended, or came from another process.
    public let rootName: String?
    /// Nanoseconds since the Unix epoch, of the earliest span stored.
    public let start: Int64
    /// Nanoseconds from there to the latest end.
    public let duration: Int64
    public let spanCount: Int
    public let droppedSpans: Int
    public let hasError: Bool
}
