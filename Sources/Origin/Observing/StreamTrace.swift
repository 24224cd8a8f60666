// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The trace of one sampled stream while it is open. A span is exported when it ends and a stream can live for days, so
// the trace grows meanwhile: events and segments under `sse.stream`, whose own span comes last. Spans that would make a
// trace too long go into a next trace, whose root links to the one before.

import Telemetry
import Transport

/// Belongs to the stream's event loop.
final class StreamTrace {
    /// What a trace may hold before the next part begins: Tempo's and most viewers' comfort, not a limit of OTLP.
    static let longestPart: Int64 = 15 * 60 * 1_000_000_000
    static let mostSpans = 5000

    let streamID: String
    let applicationProtocol: ApplicationProtocol
    /// The span of the life of the stream, or of its part.
    private(set) var span: OpenSpan
    /// By channel, of this part; nearly always one. The stream holds its channels, so they stay what they are.
    private var eventTemplates: [(channel: ObjectIdentifier, template: SpanTemplate)] = []
    private(set) var part = 1
    private var spanCount = 2
    private var partBegan: Int64
    private var segment: Segment

    /// What a segment tells of: everything since the one before.
    struct Segment {
        let began: Int64
        let events: UInt64
        let bytes: UInt64
        let heartbeats: UInt64
        /// The longest lag of an event since then.
        var maximumLag: Int64 = 0
    }

    /// The longest lag of any event so far.
    private(set) var maximumLag: Int64 = 0

    init(span: OpenSpan, streamID: String, applicationProtocol: ApplicationProtocol, now: Int64) {
        self.streamID = streamID
        self.applicationProtocol = applicationProtocol
        self.span = span
        self.partBegan = now
        self.segment = Segment(began: now, events: 0, bytes: 0, heartbeats: 0)
    }

    var context: SpanContext { self.span.context }
    /// Monotonic nanoseconds.
    var segmentBegan: Int64 { self.segment.began }

    func delivered(lag: Int64) {
        self.segment.maximumLag = max(self.segment.maximumLag, lag)
        self.maximumLag = max(self.maximumLag, lag)
    }

    /// What the spans of events from this channel share; made when the first of them is recorded.
    func eventTemplate(of channel: ObjectIdentifier, make: () -> SpanTemplate) -> SpanTemplate {
        for entry in self.eventTemplates where entry.channel == channel { return entry.template }
        let template = make()
        self.eventTemplates.append((channel, template))
        return template
    }

    func noteSpan() { self.spanCount += 1 }
    func isPartOver(now: Int64) -> Bool {
        self.spanCount >= Self.mostSpans || now - self.partBegan >= Self.longestPart
    }

    /// Ends the current segment, and begins the next.
    func cutSegment(events: UInt64, bytes: UInt64, heartbeats: UInt64, now: Int64) -> Segment {
        defer { self.segment = Segment(began: now, events: events, bytes: bytes, heartbeats: heartbeats) }
        return self.segment
    }

    /// Goes on in another trace.
    /// - Returns: the span of the part that is over.
    func roll(to span: OpenSpan, now: Int64) -> OpenSpan {
        defer {
            self.span = span
            self.eventTemplates = []
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

/// A traced stream that was handed events, to be recorded once it is known when they left.
struct TracedDelivery {
    let trace: StreamTrace
    let channel: Channel
    let first: UInt64
    let next: UInt64
    /// They were published before the stream opened.
    let isReplay: Bool
    let startedAt: Int64
}
