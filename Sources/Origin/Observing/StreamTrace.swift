// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The trace of one sampled stream while it is open. A span is exported when it ends and a stream can live for days, so
// the trace grows meanwhile: events and segments under `sse.stream`, whose own span comes last. Spans that would make a
// trace too long go into a next trace, whose root links to the one before.

import Telemetry

/// Belongs to the stream's event loop.
final class StreamTrace {
    /// What a trace may hold before the next part begins: Tempo's and most viewers' comfort, not a limit of OTLP.
    static let longestPart: Int64 = 15 * 60 * 1_000_000_000
    static let mostSpans = 5000

    // What an event touches comes first, so that it is one line of memory, or two.

    /// Of the channel that its latest event came from, which nearly always is its only one. The stream holds its
    /// channels, so the identifier stays theirs.
    private var eventTemplate: (channel: ObjectIdentifier, template: SpanTemplate)?
    /// The longest lag of any event so far.
    private(set) var maximumLag: Int64 = 0
    private var segmentMaximumLag: Int64 = 0
    private var spanCount = 2

    /// The span of the life of the stream, or of its part.
    private(set) var span: OpenSpan
    private(set) var part = 1
    private var partBegan: Int64
    private var segment: Segment
    let streamID: String

    /// What a segment tells of: everything since the one before.
    struct Segment {
        let began: Int64
        let events: UInt64
        let bytes: UInt64
        let heartbeats: UInt64
        /// The longest lag of an event since then.
        var maximumLag: Int64 = 0
    }

    init(span: OpenSpan, streamID: String, now: Int64) {
        self.streamID = streamID
        self.span = span
        self.partBegan = now
        self.segment = Segment(began: now, events: 0, bytes: 0, heartbeats: 0)
    }

    var context: SpanContext { self.span.context }
    /// Monotonic nanoseconds.
    var segmentBegan: Int64 { self.segment.began }

    func delivered(lag: Int64) {
        self.segmentMaximumLag = max(self.segmentMaximumLag, lag)
        self.maximumLag = max(self.maximumLag, lag)
    }

    /// What the spans of events from this channel share.
    @inline(__always)
    func eventTemplate(of channel: ObjectIdentifier, make: () -> SpanTemplate) -> SpanTemplate {
        if let (known, template) = self.eventTemplate, known == channel { return template }
        let template = make()
        self.eventTemplate = (channel, template)
        return template
    }

    /// As every stream's that has a trace. To ask is to bring what the next event's span needs into the caches.
    var isSampled: Bool { self.eventTemplate?.template.isSampled ?? true }

    func noteSpan() { self.spanCount += 1 }
    func isPartOver(now: Int64) -> Bool {
        self.spanCount >= Self.mostSpans || now - self.partBegan >= Self.longestPart
    }

    /// Ends the current segment, and begins the next.
    func cutSegment(events: UInt64, bytes: UInt64, heartbeats: UInt64, now: Int64) -> Segment {
        defer {
            self.segment = Segment(began: now, events: events, bytes: bytes, heartbeats: heartbeats)
            self.segmentMaximumLag = 0
        }
        var segment = self.segment
        segment.maximumLag = self.segmentMaximumLag
        return segment
    }

    /// Goes on in another trace.
    /// - Returns: the span of the part that is over.
    func roll(to span: OpenSpan, now: Int64) -> OpenSpan {
        defer {
            self.span = span
            self.eventTemplate = nil
            self.part += 1
            self.spanCount = 2
            self.partBegan = now
        }
        return self.span
    }
}

/// What a connection's span will say of its sampled streams.
struct ConnectionTrace {
    /// The most that is kept: OpenTelemetry's default for the links of a span. A connection can carry millions.
    static let mostStreams = 128

    private(set) var streams: [SpanContext] = []
    /// Those that came when there was no more room.
    private(set) var omitted = 0
    var bytes: UInt64 = 0

    mutating func add(_ stream: SpanContext) {
        if self.streams.count < Self.mostStreams {
            self.streams.append(stream)
        } else {
            self.omitted += 1
        }
    }
}
