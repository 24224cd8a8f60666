// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// An ended span on its way through buffer, queue and ring: 64 bytes, whatever is in it. ``finished`` is what is
/// printed, shown and exported, and is made when somebody wants that.
///
/// Most spans are one of many alike, such as the deliveries of one stream, and most are never looked at. Of those only
/// what tells them apart is kept; the rest is their ``SpanTemplate``'s, which they share. The others are boxed.
struct EndedSpan: Sendable {
    private enum Source: Sendable {
        case whole(WholeSpan)
        case template(SpanTemplate)
    }

    private let source: Source
    let id: SpanID
    /// Nanoseconds since the Unix epoch.
    let start: Int64
    /// No less than `start`.
    let end: Int64
    private let numbers: SpanNumbers
    private let link: SharedLink?

    init(_ span: FinishedSpan) {
        self.source = .whole(WholeSpan(span))
        self.id = span.context.spanID
        self.start = span.start
        self.end = span.end
        self.numbers = SpanNumbers()
        self.link = nil
    }

    @inline(__always)
    init(
        _ template: SpanTemplate,
        id: SpanID,
        start: Int64,
        end: Int64,
        numbers: SpanNumbers,
        link: SharedLink?
    ) {
        self.source = .template(template)
        self.id = id
        self.start = start
        self.end = max(start, end)
        self.numbers = numbers
        self.link = link
    }

    var traceID: TraceID {
        switch source {
        case .whole(let whole): whole.span.context.traceID
        case .template(let template): template.parent.traceID
        }
    }

    /// Whether it has a template.
    var isOneOfMany: Bool {
        if case .template = source { true } else { false }
    }

    /// Whether this process sees no parent of it. A template's spans may have a remote parent, but they are many.
    var isLocalRoot: Bool {
        switch source {
        case .whole(let whole): whole.span.isLocalRoot
        case .template: false
        }
    }

    /// Where a ring looks for the trace first; see ``SpanTemplate/ringSlot``.
    var ringSlot: Int {
        get {
            if case .template(let template) = source { template.ringSlot.load(ordering: .relaxed) } else { -1 }
        }
        nonmutating set {
            if case .template(let template) = source { template.ringSlot.store(newValue, ordering: .relaxed) }
        }
    }

    var name: String {
        switch source {
        case .whole(let whole): whole.span.name
        case .template(let template): template.name
        }
    }

    var hasError: Bool {
        guard case .whole(let whole) = source, case .error = whole.span.status else { return false }
        return true
    }

    var finished: FinishedSpan {
        switch source {
        case .whole(let whole): whole.span
        case .template(let template):
            template.finished(id: id, start: start, end: end, numbers: numbers, link: link)
        }
    }
}

/// A span that is like no other.
private final class WholeSpan: Sendable {
    let span: FinishedSpan

    init(_ span: FinishedSpan) { self.span = span }
}
