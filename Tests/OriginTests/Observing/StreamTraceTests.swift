// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry
import Testing

@testable import Origin

@Suite struct StreamTraceTests {
    private func span() throws -> OpenSpan {
        var buffer = try TestTelemetry.make().tracer.makeBuffer()
        return buffer.start("sse.stream", at: 0)
    }

    private func trace(_ span: OpenSpan, now: Int64) -> StreamTrace {
        StreamTrace(span: span, streamID: "a", now: now)
    }

    @Test func aPartIsOverAfterFifteenMinutes() throws {
        let trace = self.trace(try self.span(), now: 7)
        #expect(!trace.isPartOver(now: 6 + StreamTrace.longestPart))
        #expect(trace.isPartOver(now: 7 + StreamTrace.longestPart))
    }

    @Test func aPartIsOverAtItsFiveThousandthSpan() throws {
        let trace = self.trace(try self.span(), now: 0)
        // The server's span and the stream's own are there from the start.
        for _ in 0..<4997 { trace.noteSpan() }
        #expect(!trace.isPartOver(now: 1))
        trace.noteSpan()
        #expect(trace.isPartOver(now: 1))
    }

    @Test func theNextPartBeginsEmptyInAnotherTrace() throws {
        let first = try self.span()
        let second = try self.span()
        let trace = self.trace(first, now: 0)
        for _ in 0..<6000 { trace.noteSpan() }
        let over = trace.roll(to: second, now: 100)
        #expect(over.context == first.context)
        #expect(trace.context == second.context)
        #expect(trace.context.traceID != over.context.traceID)
        #expect(trace.part == 2)
        #expect(!trace.isPartOver(now: 99 + StreamTrace.longestPart))
    }

    @Test func aSegmentTellsOfWhatCameSinceTheOneBefore() throws {
        let trace = self.trace(try self.span(), now: 0)
        trace.delivered(lag: 50)
        trace.delivered(lag: 20)
        let first = trace.cutSegment(events: 2, bytes: 600, heartbeats: 1, now: 60)
        #expect((first.began, first.events, first.bytes, first.heartbeats, first.maximumLag) == (0, 0, 0, 0, 50))
        trace.delivered(lag: 30)
        let second = trace.cutSegment(events: 3, bytes: 900, heartbeats: 1, now: 120)
        #expect(
            (second.began, second.events, second.bytes, second.heartbeats, second.maximumLag) == (60, 2, 600, 1, 30))
        #expect(trace.maximumLag == 50)
    }
}

@Suite struct ConnectionTraceTests {
    @Test func aConnectionOfManyStreamsNamesTheFirstAndCountsTheRest() {
        var trace = ConnectionTrace()
        for number in 1...200 as ClosedRange<UInt64> {
            trace.add(SpanContext(traceID: TraceID(high: 1, low: number), spanID: SpanID(number)))
        }
        #expect(trace.streams.map(\.spanID.value) == Array(1...128))
        #expect(trace.omitted == 72)
    }
}

@Suite struct PublishSpansTests {
    private func context(_ number: UInt64) -> SpanContext {
        SpanContext(traceID: TraceID(high: 1, low: number), spanID: SpanID(number))
    }

    @Test func anEventFindsThePublishThatItCameWith() {
        var spans = PublishSpans()
        spans.add(self.context(1), from: 5, to: 6)
        spans.add(self.context(2), from: 10, to: 13)
        #expect(
            [4, 5, 6, 9, 10, 12, 13].map { spans.link(to: $0)?.context.spanID.value } == [nil, 1, nil, nil, 2, 2, nil])
    }

    @Test func theOldestPublishIsForgottenFirst() {
        var spans = PublishSpans()
        for number in 1...257 as ClosedRange<UInt64> { spans.add(self.context(number), from: number, to: number + 1) }
        #expect(spans.link(to: 1) == nil)
        #expect(spans.link(to: 2)?.context.spanID.value == 2)
        #expect(spans.link(to: 257)?.context.spanID.value == 257)
    }
}
