// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The last traces of the process, for looking at one without a collector. A pure store: no lock, no clock.
///
/// Bounded three ways. When there are too many traces, the one that has been silent for longest goes as a whole, and
/// is counted in ``evictedTraces``; a span that is one of many alike brings no trace in then, or a thousand lively ones
/// would push each other out for ever. When one trace has too many spans, its oldest ones go; when there are too many
/// in all, those of a trace that has more than its share. A root never goes alone. What a trace lost is counted in it.
public struct TraceRing: Sendable {
    /// The bounds; a span takes 80 bytes, or about half a kilobyte if it is not one of many alike.
    public struct Bounds: Hashable, Sendable {
        public var traces = 256
        public var spansPerTrace = 1024
        public var spans = 16_384

        public init(traces: Int = 256, spansPerTrace: Int = 1024, spans: Int = 16_384) {
            self.traces = max(1, traces)
            // The ring reserves address space for all of them, 72 bytes each.
            self.spans = min(max(1, spans), 1 << 24)
            self.spansPerTrace = min(max(1, spansPerTrace), self.spans)
        }
    }

    /// One stored trace: its spans as a list through ``nodes``, the oldest first, the root apart. All are indices of
    /// nodes or slots; -1 for none.
    private struct Slot: Sendable {
        var traceID: TraceID
        var root: Int32 = -1
        var oldest: Int32 = -1
        var newest: Int32 = -1
        /// With the root.
        var spanCount = 0
        var droppedSpans = 0
        /// Neighbours in the order of the last span.
        var quieter = -1
        var livelier = -1
    }

    /// A place for a span, taken and given back without asking the allocator.
    private struct Node: Sendable {
        var span: EndedSpan?
        /// In its trace, the one that ended next; when it is free, the next free one.
        var next: Int32 = -1
    }

    public let bounds: Bounds
    /// Traces that made room for newer ones.
    public private(set) var evictedTraces = 0
    /// Spans stored now.
    public private(set) var spanCount = 0
    private var nodes: [Node] = []
    private var freeNode: Int32 = -1
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var index: [TraceID: Int] = [:]
    private var quietest = -1
    private var liveliest = -1
    /// The slot from which the search for a trace with more than its share goes on.
    private var hand = 0

    public init(bounds: Bounds = Bounds()) { self.bounds = bounds }

    public var traceCount: Int { index.count }

    public mutating func insert(_ span: FinishedSpan) { insert(EndedSpan(span)) }

    mutating func insert(_ span: EndedSpan) {
        guard let slot = slot(for: span) else { return }
        let isRoot = slots[slot].root < 0 && span.isLocalRoot
        if slots[slot].spanCount == bounds.spansPerTrace {
            // Nothing makes room for another span but an older one, and the root is none of those.
            guard slots[slot].oldest >= 0 else {
                slots[slot].droppedSpans += 1
                return
            }
            dropOldest(slot)
        } else if spanCount == bounds.spans {
            makeRoom(for: slot)
        }
        let node = store(span)
        slots[slot].spanCount += 1
        spanCount += 1
        if isRoot {
            slots[slot].root = node
        } else if slots[slot].newest >= 0 {
            nodes[Int(slots[slot].newest)].next = node
            slots[slot].newest = node
        } else {
            slots[slot].oldest = node
            slots[slot].newest = node
        }
    }

    /// All places for spans are taken.
    private mutating func makeRoom(for slot: Int) {
        let share = bounds.spans / traceCount
        if slots[slot].spanCount >= share, slots[slot].oldest >= 0 { return dropOldest(slot) }
        for _ in slots.indices {
            hand = (hand + 1) % slots.count
            if slots[hand].spanCount > share, slots[hand].oldest >= 0 { return dropOldest(hand) }
        }
        // There are roots only. The trace itself has been heard of last.
        evict(quietest)
    }

    /// The spans of a trace, the root first and the others as they ended; empty when it is not here.
    public func spans(of traceID: TraceID) -> [FinishedSpan] {
        guard let slot = index[traceID] else { return [] }
        var spans: [FinishedSpan] = []
        spans.reserveCapacity(slots[slot].spanCount)
        forEachSpan(of: slots[slot]) { spans.append($0.finished) }
        return spans
    }

    /// What a list shows, the trace that was heard of last first.
    public func summaries() -> [TraceSummary] {
        var list: [TraceSummary] = []
        var at = liveliest
        while at >= 0 {
            list.append(summary(slots[at]))
            at = slots[at].quieter
        }
        return list
    }

    private func summary(_ slot: Slot) -> TraceSummary {
        var start = Int64.max
        var end = Int64.min
        var hasError = false
        forEachSpan(of: slot) { span in
            start = min(start, span.start)
            end = max(end, span.end)
            hasError = hasError || span.hasError
        }
        let isEmpty = slot.spanCount == 0
        return TraceSummary(
            traceID: slot.traceID,
            rootName: slot.root < 0 ? nil : nodes[Int(slot.root)].span?.name,
            start: isEmpty ? 0 : start,
            duration: isEmpty ? 0 : end - start,
            spanCount: slot.spanCount,
            droppedSpans: slot.droppedSpans,
            hasError: hasError
        )
    }

    private func forEachSpan(of slot: Slot, _ body: (EndedSpan) -> Void) {
        if slot.root >= 0, let root = nodes[Int(slot.root)].span { body(root) }
        var at = slot.oldest
        while at >= 0 {
            if let span = nodes[Int(at)].span { body(span) }
            at = nodes[Int(at)].next
        }
    }

    // MARK: Nodes

    private mutating func store(_ span: EndedSpan) -> Int32 {
        guard freeNode >= 0 else {
            // Address space, not memory: to grow in steps would touch every page again at each.
            if nodes.isEmpty { nodes.reserveCapacity(bounds.spans + 1) }
            nodes.append(Node(span: span))
            return Int32(nodes.count - 1)
        }
        let node = freeNode
        freeNode = nodes[Int(node)].next
        nodes[Int(node)] = Node(span: span)
        return node
    }

    private mutating func release(_ node: Int32) {
        nodes[Int(node)] = Node(span: nil, next: freeNode)
        freeNode = node
        spanCount -= 1
    }

    /// Only of a trace that has one behind its root.
    private mutating func dropOldest(_ slot: Int) {
        let node = slots[slot].oldest
        slots[slot].oldest = nodes[Int(node)].next
        if slots[slot].oldest < 0 { slots[slot].newest = -1 }
        slots[slot].spanCount -= 1
        slots[slot].droppedSpans += 1
        release(node)
    }

    // MARK: Slots

    /// Nil when its trace is not here and is not to be.
    private mutating func slot(for span: EndedSpan) -> Int? {
        let traceID = span.traceID
        let hint = span.ringSlot
        let known = slots.indices.contains(hint) && slots[hint].traceID == traceID ? hint : index[traceID]
        if let slot = known {
            if slot != hint { span.ringSlot = slot }
            if slot != liveliest {
                unlink(slot)
                linkAsLiveliest(slot)
            }
            return slot
        }
        if index.count == bounds.traces {
            if span.isOneOfMany { return nil }
            evict(quietest)
        }
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

    private mutating func evict(_ slot: Int) {
        unlink(slot)
        index[slots[slot].traceID] = nil
        if slots[slot].root >= 0 { release(slots[slot].root) }
        var at = slots[slot].oldest
        while at >= 0 {
            let next = nodes[Int(at)].next
            release(at)
            at = next
        }
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
