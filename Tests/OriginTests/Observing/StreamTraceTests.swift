// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry
import Testing

@testable import Origin

@Suite struct EventTraceTests {
    private let channel = Something()

    private final class Something {}

    private func template() throws -> SpanTemplate {
        var buffer = try TestTelemetry.make().tracer.makeBuffer()
        let stream = buffer.start("sse.stream", at: 0)
        return try #require(buffer.template("sse.event", parent: stream.context) { _, _ in [] })
    }

    private func trace(now: Int64) throws -> EventTrace {
        EventTrace(try self.template(), of: ObjectIdentifier(self.channel), over: .http2, now: now)
    }

    @Test func aPartIsOverAfterFifteenMinutes() throws {
        let trace = try self.trace(now: 7)
        #expect(!trace.isPartOver(now: 6 + StreamTrace.longestPart))
        #expect(trace.isPartOver(now: 7 + StreamTrace.longestPart))
    }

    @Test func aPartIsOverAtItsFiveThousandthSpan() throws {
        var trace = try self.trace(now: 0)
        // The server's span and the stream's own are there from the start.
        for _ in 0..<4997 { trace.noteSpan() }
        #expect(!trace.isPartOver(now: 1))
        trace.noteSpan()
        #expect(trace.isPartOver(now: 1))
    }

    @Test func theNextPartCountsFromTheStart() throws {
        var trace = try self.trace(now: 0)
        for _ in 0..<6000 { trace.noteSpan() }
        let next = try self.template()
        trace.nextPart(next, of: ObjectIdentifier(self.channel), now: 100)
        #expect(!trace.isPartOver(now: 99 + StreamTrace.longestPart))
        #expect(trace.template === next)
    }

    @Test func theTemplateIsThatOfTheLatestChannel() throws {
        var trace = try self.trace(now: 0)
        let (other, template) = (Something(), try self.template())
        #expect(trace.isOf(ObjectIdentifier(self.channel)) && !trace.isOf(ObjectIdentifier(other)))
        trace.use(template, of: ObjectIdentifier(other))
        #expect(!trace.isOf(ObjectIdentifier(self.channel)) && trace.isOf(ObjectIdentifier(other)))
        #expect(trace.template === template)
    }

    @Test func aSegmentHasTheLongestLagSinceTheOneBefore() throws {
        var trace = try self.trace(now: 0)
        trace.delivered(lag: 50)
        trace.delivered(lag: 20)
        #expect(trace.nextSegment(now: 60) == (0, 50))
        trace.delivered(lag: 30)
        #expect(trace.segmentBegan == 60)
        #expect(trace.nextSegment(now: 120) == (60, 30))
        #expect(trace.maximumLag == 50)
    }

    /// What the cost of a span rests on: of a trace, an event reads one line of memory.
    @Test func whatAnEventTouchesIsALineOfMemory() {
        #expect(MemoryLayout<EventTrace>.stride <= 64)
    }
}

@Suite struct StreamTraceTests {
    private func span() throws -> OpenSpan {
        var buffer = try TestTelemetry.make().tracer.makeBuffer()
        return buffer.start("sse.stream", at: 0)
    }

    @Test func theNextPartIsAnotherTrace() throws {
        let (first, second) = (try self.span(), try self.span())
        var trace = StreamTrace(span: first, streamID: "a")
        let over = trace.roll(to: second)
        #expect(over.context == first.context)
        #expect(trace.context == second.context)
        #expect(trace.context.traceID != over.context.traceID)
        #expect(trace.part == 2)
    }

    @Test func aSegmentTellsOfWhatCameSinceTheOneBefore() throws {
        var trace = StreamTrace(span: try self.span(), streamID: "a")
        let first = StreamTrace.Totals(events: 2, bytes: 600, heartbeats: 1)
        #expect(trace.nextSegment(first) == first)
        let second = trace.nextSegment(.init(events: 3, bytes: 900, heartbeats: 1))
        #expect(second == .init(events: 1, bytes: 300, heartbeats: 0))
    }
}

@Suite struct TraceTableTests {
    private func add(_ id: String, to table: inout TraceTable) throws -> Int32 {
        var buffer = try TestTelemetry.make().tracer.makeBuffer()
        let span = buffer.start("sse.stream", at: 0)
        let template = try #require(buffer.template("sse.event", parent: span.context) { _, _ in [] })
        let events = EventTrace(template, of: ObjectIdentifier(template), over: .http11, now: 0)
        return table.add(StreamTrace(span: span, streamID: id), events)
    }

    @Test func aPlaceStaysItsStreamsAndIsGivenToTheNextOne() throws {
        var table = TraceTable()
        let places = try ["a", "b", "c"].map { try self.add($0, to: &table) }
        table.remove(at: places[1])
        #expect(places.map { table[$0]?.streamID } == ["a", nil, "c"])
        // Twice is as once.
        table.remove(at: places[1])
        #expect(try self.add("d", to: &table) == places[1])
        #expect(try self.add("e", to: &table) == 3)
        #expect((places + [3]).map { table[$0]?.streamID } == ["a", "d", "c", "e"])
    }

    @Test func theMemoryOfAStormIsGivenBack() throws {
        var table = TraceTable()
        let places = try (0..<100).map { try self.add("\($0)", to: &table) }
        for place in places { table.remove(at: place) }
        #expect(table.events.isEmpty)
        #expect(try self.add("next", to: &table) == 0)
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
