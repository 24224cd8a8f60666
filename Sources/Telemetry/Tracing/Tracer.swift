// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// Starts spans by the sampler's decision and hands over those that ended.
///
/// Event loops use a ``SpanBuffer`` each, which takes no lock. From other threads the methods here do, one per span.
public final class Tracer: Sendable {
    public let sampler: Sampler
    public let limits: SpanLimits
    public let propagation: Propagation
    /// False when nothing is recorded: spans only carry context on.
    public let isEnabled: Bool
    public let processor: SpanProcessor
    /// Spans of low priority a second, for the whole process.
    public let budgetRate: Double
    private let ids = Mutex(IDGenerator())

    public init(settings: TracingSettings, processor: SpanProcessor, budgetRate: Double = 2000) {
        isEnabled = settings.isEnabled
        sampler = settings.isEnabled ? settings.sampler : Sampler(root: .alwaysOff, isParentBased: false)
        limits = settings.limits
        propagation = settings.propagation
        self.processor = processor
        self.budgetRate = budgetRate
    }

    /// A buffer for one event loop of so many, with its share of the budget.
    public func makeBuffer(sharedBy loops: Int = 1, capacity: Int = 256) -> SpanBuffer {
        SpanBuffer(self, budget: budgetRate / Double(max(1, loops)), capacity: capacity, ids: IDGenerator())
    }

    /// - Parameters:
    ///   - parent: Nil for the root of a new trace.
    ///   - time: Nanoseconds since the Unix epoch.
    public func start(
        _ name: String,
        kind: SpanKind = .internal,
        parent: SpanContext? = nil,
        at time: Int64,
        attributes: [Attribute] = []
    ) -> OpenSpan {
        var tally = SpanTally()
        let span = ids.withLock { ids in
            start(name, kind: kind, parent: parent, at: time, attributes: attributes, ids: &ids, tally: &tally)
        }
        processor.submit([EndedSpan](), tally: tally)
        return span
    }

    public func end(_ span: OpenSpan, at time: Int64) {
        if span.isRecording { processor.submit([span.finished(at: time)]) }
    }

    @inline(__always)
    func start(
        _ name: String,
        kind: SpanKind,
        parent: SpanContext?,
        at time: Int64,
        attributes: [Attribute],
        ids: inout IDGenerator,
        tally: inout SpanTally
    ) -> OpenSpan {
        let parent = parent.flatMap { $0.isValid ? $0 : nil }
        let traceID = parent?.traceID ?? ids.traceID()
        let isSampled = isEnabled && sampler.samples(traceID, parent: parent)
        tally.started.note(origin: SpanStarts.Origin(of: parent), isSampled: isSampled)
        // A disabled tracer passes the caller's decision on untouched.
        var flags = parent?.flags ?? .random
        if isEnabled { if isSampled { flags.insert(.sampled) } else { flags.remove(.sampled) } }
        let context = SpanContext(
            traceID: traceID, spanID: ids.spanID(), flags: flags, state: parent?.state ?? .empty)
        var span = OpenSpan(
            FinishedSpan(
                context: context, parentID: parent?.spanID, parentIsRemote: parent?.isRemote ?? false, name: name,
                kind: kind, start: time, end: time),
            isRecording: isSampled,
            limits: limits
        )
        if isSampled { span.set(attributes) }
        return span
    }
}
