// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The trace of one sampled stream while it is open. A span is exported when it ends and a stream can live for days, so
// the trace grows meanwhile: events and segments under `sse.stream`, whose own span comes last. Spans that would make a
// trace too long go into a next trace, whose root links to the one before.

import Telemetry

/// But for what events touch, which is its ``EventTrace``. Belongs to the stream's event loop.
struct StreamTrace {
    /// What a trace may hold before the next part begins: Tempo's and most viewers' comfort, not a limit of OTLP.
    static let longestPart: Int64 = 15 * 60 * 1_000_000_000
    static let mostSpans = 5000

    let streamID: String
    /// The span of the life of the stream, or of its part.
    private(set) var span: OpenSpan
    private(set) var part = 1
    private var told = Totals()

    /// Of a stream, from its start.
    struct Totals: Equatable {
        var events: UInt64 = 0
        var bytes: UInt64 = 0
        var heartbeats: UInt64 = 0
    }

    init(span: OpenSpan, streamID: String) {
        self.streamID = streamID
        self.span = span
    }

    var context: SpanContext { self.span.context }

    /// What a segment tells of: everything since the one before.
    mutating func nextSegment(_ totals: Totals) -> Totals {
        defer { self.told = totals }
        return Totals(
            events: totals.events - self.told.events, bytes: totals.bytes - self.told.bytes,
            heartbeats: totals.heartbeats - self.told.heartbeats)
    }

    /// Goes on in another trace.
    /// - Returns: the span of the part that is over.
    mutating func roll(to span: OpenSpan) -> OpenSpan {
        defer {
            self.span = span
            self.part += 1
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
