// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry
import Testing
import Transport

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

@Suite struct EventSpanTests {
    private final class Something {}

    @Test(arguments: [
        EventSpan(sequence: 1, lag: 0, bytes: 0, isReplay: false),
        EventSpan(sequence: .max, lag: .max, bytes: Int(Int64.max >> 1), isReplay: true),
        EventSpan(sequence: 7, lag: -5, bytes: 300, isReplay: true),
    ])
    func comesBackFromItsNumbers(event: EventSpan) {
        #expect(EventSpan(event.numbers) == event)
    }

    @Test func saysWhatItsNumbersMean() throws {
        let epoch = try #require(Epoch("abcdefgh"))
        let event = EventSpan(sequence: 42, lag: 3_000_000, bytes: 300, isReplay: false)
        let attributes = event.attributes(streamID: "s", channel: "news", epoch: epoch, writeTime: 1_000_000)
        #expect(
            attributes == [
                Attribute(SpanKey.streamID, "s"), Attribute(SpanKey.eventID, "abcdefgh.42"),
                Attribute(SpanKey.channel, "news"), Attribute(SpanKey.isReplay, false),
                Attribute(SpanKey.eventBytes, 300), Attribute(SpanKey.eventLag, 0.003),
                Attribute(SpanKey.eventQueueWait, 0.002), Attribute(SpanKey.eventWriteTime, 0.001),
            ])
    }

    @Test func theTemplateIsMadeOncePerChannelAndPart() throws {
        var buffer = try TestTelemetry.make().tracer.makeBuffer()
        let (first, second) = (buffer.start("sse.stream", at: 0), buffer.start("sse.stream", at: 1))
        let trace = StreamTrace(span: first, streamID: "a", now: 0)
        let (one, other) = (Something(), Something())
        var made = 0
        var templates: [SpanTemplate] = []
        for _ in 0..<4 { templates.append(buffer.template("sse.event", parent: first.context) { _, _ in [] }) }
        func template(of channel: Something) -> SpanTemplate {
            trace.eventTemplate(of: ObjectIdentifier(channel)) {
                defer { made += 1 }
                return templates[made]
            }
        }
        let before = template(of: one)
        #expect(template(of: one) === before && made == 1)
        #expect(template(of: other) !== before && template(of: one) !== before && made == 3)
        _ = trace.roll(to: second, now: 2)
        _ = template(of: one)
        #expect(made == 4)
    }
}

@Suite struct TracedDeliveriesTests {
    private func trace(_ number: Int64) throws -> StreamTrace {
        var buffer = try TestTelemetry.make().tracer.makeBuffer()
        return StreamTrace(span: buffer.start("sse.stream", at: 0), streamID: "\(number)", now: number)
    }

    private func add(
        _ trace: StreamTrace,
        to deliveries: inout TracedDeliveries,
        of channel: Channel,
        from first: UInt64 = 1,
        isReplay: Bool = false,
        over applicationProtocol: ApplicationProtocol = .http2,
        now: Int64 = 10
    ) {
        deliveries.add(
            .passUnretained(trace), of: channel, from: first, to: 3, isReplay: isReplay, over: applicationProtocol,
            now: now)
    }

    private func streams(_ deliveries: TracedDeliveries) -> [[String]] {
        deliveries.runs.map { run in
            var streams: [String] = []
            deliveries.forEachTrace(of: run) { streams.append($0.streamID) }
            return streams
        }
    }

    @Test func streamsThatWereHandedTheSameAreOneRun() throws {
        let (one, other) = (SubscribedChannel().channel, SubscribedChannel().channel)
        let traces = try (0..<8).map { try self.trace($0) }
        var deliveries = TracedDeliveries()
        #expect(deliveries.isEmpty)
        self.add(traces[0], to: &deliveries, of: one)
        self.add(traces[1], to: &deliveries, of: one)
        self.add(traces[2], to: &deliveries, of: other)
        self.add(traces[3], to: &deliveries, of: other, from: 2)
        self.add(traces[4], to: &deliveries, of: other, from: 2, isReplay: true)
        self.add(traces[5], to: &deliveries, of: other, from: 2, isReplay: true, over: .http11)
        self.add(traces[6], to: &deliveries, of: other, from: 2, isReplay: true, over: .http11, now: 11)
        self.add(traces[7], to: &deliveries, of: other, from: 2, isReplay: true, over: .http11, now: 11)
        #expect(self.streams(deliveries) == [["0", "1"], ["2"], ["3"], ["4"], ["5"], ["6", "7"]])
        deliveries.removeAll()
        #expect(deliveries.isEmpty)
    }

    @Test func theTraceOfAStreamThatEndsIsHeldUntilItsEventsAreRecorded() throws {
        let channel = SubscribedChannel().channel
        var deliveries = TracedDeliveries()
        weak var held: StreamTrace?
        do {
            let trace = try self.trace(1)
            // Nothing of it is waiting, so there is nothing to hold it for.
            deliveries.keep(trace)
            held = trace
        }
        #expect(held == nil)
        do {
            let trace = try self.trace(2)
            self.add(trace, to: &deliveries, of: channel)
            deliveries.keep(trace)
            held = trace
        }
        #expect(held != nil && self.streams(deliveries) == [["2"]])
        deliveries.removeAll()
        #expect(held == nil)
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
