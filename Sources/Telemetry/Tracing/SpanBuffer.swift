// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// An event loop's own end of the tracer: starts and ends spans without locks, and hands them over in chunks.
///
/// Bounded by `capacity`: the span that fills it takes all of them to the processor. Whoever owns the loop calls
/// ``flush()`` on a timer, so that spans of a quiet loop do not wait; and before the loop ends.
public struct SpanBuffer: ~Copyable {
    public let tracer: Tracer
    private let capacity: Int
    private var ids: IDGenerator
    private var budget: SpanBudget
    private var spans: [EndedSpan] = []
    private var tally = SpanTally()

    init(_ tracer: Tracer, budget: Double, capacity: Int, ids: IDGenerator) {
        self.tracer = tracer
        self.capacity = max(1, capacity)
        self.ids = ids
        self.budget = SpanBudget(rate: budget, now: tracer.processor.clock.monotonic())
    }

    /// Ended spans that the processor does not have yet.
    public var count: Int { spans.count }

    /// - Parameters:
    ///   - parent: Nil for the root of a new trace.
    ///   - time: Nanoseconds since the Unix epoch.
    public mutating func start(
        _ name: String,
        kind: SpanKind = .internal,
        parent: SpanContext? = nil,
        at time: Int64,
        attributes: [Attribute] = []
    ) -> OpenSpan {
        tracer.start(
            name, kind: kind, parent: parent, at: time, attributes: attributes, ids: &ids, tally: &tally)
    }

    /// The root of a trace that is sampled because what it goes on with was: the next part of a long trace, or the
    /// connection under a sampled stream. The sampler decided there, and is not asked again.
    public mutating func startContinuation(
        _ name: String,
        at time: Int64,
        attributes: [Attribute] = []
    ) -> OpenSpan {
        let context = SpanContext(
            traceID: ids.traceID(), spanID: ids.spanID(), flags: tracer.isEnabled ? [.sampled, .random] : .random)
        tally.started.note(origin: .none, isSampled: tracer.isEnabled)
        var span = OpenSpan(
            FinishedSpan(context: context, name: name, start: time, end: time),
            isRecording: tracer.isEnabled,
            limits: tracer.limits
        )
        span.set(attributes)
        return span
    }

    /// Ends a span that is worth keeping whatever the budget says, and pays for it.
    ///
    /// - Parameters:
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - monotonic: The loop's time, for the budget.
    public mutating func end(_ span: OpenSpan, at time: Int64, monotonic: Int64) {
        guard span.isRecording else { return }
        _ = budget.admits(1, .normal, now: monotonic)
        append(EndedSpan(span.finished(at: time)))
    }

    /// What the spans of ``record(_:numbers:start:end:priority:monotonic:link:template:)`` have in common that are not
    /// recorded together. Nil when none of them would be kept, because the parent is not sampled or the tracer is off.
    ///
    /// - Parameters:
    ///   - attributes: At most 128, each name once; asked for on any thread, when a span is exported or shown. Also
    ///     gets the nanoseconds from the span's start to its end.
    public func template(
        _ name: String,
        kind: SpanKind = .internal,
        parent: SpanContext,
        attributes: @escaping @Sendable (_ numbers: SpanNumbers, _ duration: Int64) -> [Attribute]
    ) -> SpanTemplate? {
        guard parent.isSampled, tracer.isEnabled else { return nil }
        return SpanTemplate(name, kind: kind, parent: parent, limits: tracer.limits, attributes: attributes)
    }

    /// Spans that start and end together and differ by their templates, such as those of one event's delivery to many
    /// streams.
    ///
    /// - Parameters:
    ///   - start: Nanoseconds since the Unix epoch, as is `end`.
    ///   - monotonic: The loop's time, for the budget.
    ///   - link: The span that caused them, such as the publish.
    ///   - template: Of one span, by its number from 0; held by the caller meanwhile. Asked for twice.
    /// - Returns: How many were kept: the first ones.
    @discardableResult
    public mutating func record(
        _ count: Int,
        numbers: SpanNumbers,
        start: Int64,
        end: Int64,
        priority: SpanPriority = .low,
        monotonic: Int64,
        link: SharedLink? = nil,
        template: (Int) -> Unmanaged<SpanTemplate>
    ) -> Int {
        // Templates are rarely in the caches. This loop lets the waits for them overlap; the next one, which counts
        // references, would not.
        for index in 0..<count {
            let isRemote = template(index)._withUnsafeGuaranteedRef { $0.parent.isRemote }
            tally.started.note(origin: isRemote ? .remote : .local, isSampled: true)
        }
        let kept = budget.admits(count, priority, now: monotonic)
        tally.refusedByBudget &+= count - kept
        for index in 0..<kept {
            let template = template(index).takeUnretainedValue()
            append(EndedSpan(template, id: ids.spanID(), start: start, end: end, numbers: numbers, link: link))
        }
        return kept
    }

    /// Hands over what has ended and what was counted: one short lock.
    public mutating func flush() {
        if spans.isEmpty, tally == SpanTally() { return }
        let full = spans
        spans = []
        tracer.processor.submit(full, tally: tally)
        tally = SpanTally()
    }

    private mutating func append(_ span: EndedSpan) {
        if spans.isEmpty { spans.reserveCapacity(min(capacity, 64)) }
        spans.append(span)
        if spans.count >= capacity { flush() }
    }
}
