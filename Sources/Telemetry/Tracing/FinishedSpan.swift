// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// A span that has ended, as it is stored, printed and exported: a value that nobody changes any more.
public struct FinishedSpan: Hashable, Sendable {
    public var context: SpanContext
    /// The parent, or nil for the root of a trace.
    public var parentID: SpanID?
    /// Whether the parent is in another process: bit 9 of the span's flags in OTLP, with bit 8 saying that it is known.
    public var parentIsRemote: Bool
    public var name: String
    public var kind: SpanKind
    /// Nanoseconds since the Unix epoch.
    public var start: Int64
    public var end: Int64
    public var status: SpanStatus
    public var attributes: [Attribute]
    public var events: [SpanEvent]
    public var links: [SpanLink]
    /// What the limits cost this span.
    public var dropped: SpanDrops

    public init(
        context: SpanContext,
        parentID: SpanID? = nil,
        parentIsRemote: Bool = false,
        name: String,
        kind: SpanKind = .internal,
        start: Int64,
        end: Int64,
        status: SpanStatus = .unset,
        attributes: [Attribute] = [],
        events: [SpanEvent] = [],
        links: [SpanLink] = [],
        dropped: SpanDrops = SpanDrops()
    ) {
        self.context = context
        self.parentID = parentID
        self.parentIsRemote = parentIsRemote
        self.name = name
        self.kind = kind
        self.start = start
        self.end = end
        self.status = status
        self.attributes = attributes
        self.events = events
        self.links = links
        self.dropped = dropped
    }

    /// Nanoseconds from start to end; never negative, because clocks may step back.
    public var duration: Int64 { max(0, end &- start) }

    /// Whether this process sees no parent of it.
    public var isLocalRoot: Bool { parentID == nil || parentIsRemote }
}

/// What a span does for whom; the numbers are those of OTLP.
public enum SpanKind: Int32, Hashable, Sendable {
    case `internal` = 1
    case server = 2
    case client = 3
    case producer = 4
    case consumer = 5
}

/// How a span ended. Instrumentation leaves `unset` what did not fail (OpenTelemetry, "Set Status").
public enum SpanStatus: Hashable, Sendable {
    case unset
    case ok
    case error(String)
}

/// Something that happened at one moment within a span.
public struct SpanEvent: Hashable, Sendable {
    public var name: String
    /// Nanoseconds since the Unix epoch.
    public var time: Int64
    public var attributes: [Attribute]
    public var droppedAttributes: Int

    public init(name: String, time: Int64, attributes: [Attribute] = [], droppedAttributes: Int = 0) {
        self.name = name
        self.time = time
        self.attributes = attributes
        self.droppedAttributes = droppedAttributes
    }
}

/// A span of this or another trace that caused this one without being its parent.
public struct SpanLink: Hashable, Sendable {
    public var context: SpanContext
    public var attributes: [Attribute]
    public var droppedAttributes: Int

    public init(context: SpanContext, attributes: [Attribute] = [], droppedAttributes: Int = 0) {
        self.context = context
        self.attributes = attributes
        self.droppedAttributes = droppedAttributes
    }
}

/// How many of each a span lost to its limits.
public struct SpanDrops: Hashable, Sendable {
    public var attributes = 0
    public var events = 0
    public var links = 0

    public init(attributes: Int = 0, events: Int = 0, links: Int = 0) {
        self.attributes = attributes
        self.events = events
        self.links = links
    }
}
