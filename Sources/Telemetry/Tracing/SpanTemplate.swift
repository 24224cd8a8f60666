// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// What many spans have in common: parent, name, kind, and how their attributes follow from three numbers each.
/// Recording one of them costs 64 bytes; the attributes are only made when the span is exported, printed or shown.
public final class SpanTemplate: Sendable {
    public let parent: SpanContext
    /// Where a ring last had this trace: saves it the search, and is checked. Only looked at under the ring's lock.
    let ringSlot = Atomic(-1)
    let name: String
    private let kind: SpanKind
    private let limits: SpanLimits
    private let attributes: @Sendable (_ numbers: SpanNumbers, _ duration: Int64) -> [Attribute]

    init(
        _ name: String,
        kind: SpanKind,
        parent: SpanContext,
        limits: SpanLimits,
        attributes: @escaping @Sendable (_ numbers: SpanNumbers, _ duration: Int64) -> [Attribute]
    ) {
        self.name = name
        self.kind = kind
        self.parent = parent
        self.limits = limits
        self.attributes = attributes
    }

    func finished(id: SpanID, start: Int64, end: Int64, numbers: SpanNumbers, link: SharedLink?) -> FinishedSpan {
        let (kept, dropped) = limits.limited(attributes(numbers, end - start), to: limits.attributes)
        let context = SpanContext(
            traceID: parent.traceID, spanID: id, flags: parent.flags, state: parent.state)
        return FinishedSpan(
            context: context,
            parentID: parent.spanID,
            parentIsRemote: parent.isRemote,
            name: name,
            kind: kind,
            start: start,
            end: end,
            attributes: kept,
            links: link.map { $0.context.isValid ? [SpanLink(context: $0.context)] : [] } ?? [],
            dropped: SpanDrops(attributes: dropped)
        )
    }
}

/// What tells the spans of a ``SpanTemplate`` apart; what each number means is the template's business.
public struct SpanNumbers: Hashable, Sendable {
    public let first: Int64
    public let second: Int64
    public let third: Int64

    public init(_ first: Int64 = 0, _ second: Int64 = 0, _ third: Int64 = 0) {
        self.first = first
        self.second = second
        self.third = third
    }
}

/// A span that many others link to, such as the publish behind many deliveries: kept once.
public final class SharedLink: Sendable {
    public let context: SpanContext

    public init(_ context: SpanContext) { self.context = context }
}
