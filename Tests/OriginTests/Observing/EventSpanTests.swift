// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry
import Testing
import Transport

@testable import Origin

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
    private func stream(_ number: UInt64) throws -> StreamRecord {
        var buffer = try TestTelemetry.make().tracer.makeBuffer()
        let record = StreamRecord(
            number: number, id: "\(number)", channelText: "news", client: "192.0.2.1", path: "direct",
            request: try RequestHead.sample("/channels/news/events"), openedAt: 0, heartbeat: .comment,
            resumeOutcome: nil
        )
        record.trace = StreamTrace(span: buffer.start("sse.stream", at: 0), streamID: record.id, now: 0)
        return record
    }

    private func add(
        _ stream: StreamRecord,
        to deliveries: inout TracedDeliveries,
        of channel: Channel,
        from first: UInt64 = 1,
        isReplay: Bool = false,
        over applicationProtocol: ApplicationProtocol = .http2,
        now: Int64 = 10
    ) {
        deliveries.add(
            .passUnretained(stream), of: channel, from: first, to: 3, isReplay: isReplay, over: applicationProtocol,
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
        let traced = try (0..<8).map { try self.stream($0) }
        var deliveries = TracedDeliveries()
        #expect(deliveries.isEmpty)
        self.add(traced[0], to: &deliveries, of: one)
        self.add(traced[1], to: &deliveries, of: one)
        self.add(traced[2], to: &deliveries, of: other)
        self.add(traced[3], to: &deliveries, of: other, from: 2)
        self.add(traced[4], to: &deliveries, of: other, from: 2, isReplay: true)
        self.add(traced[5], to: &deliveries, of: other, from: 2, isReplay: true, over: .http11)
        self.add(traced[6], to: &deliveries, of: other, from: 2, isReplay: true, over: .http11, now: 11)
        self.add(traced[7], to: &deliveries, of: other, from: 2, isReplay: true, over: .http11, now: 11)
        deliveries.findTraces()
        #expect(self.streams(deliveries) == [["0", "1"], ["2"], ["3"], ["4"], ["5"], ["6", "7"]])
        deliveries.removeAll()
        #expect(deliveries.isEmpty)
    }

    @Test func aStreamThatEndsIsHeldUntilItsEventsAreRecorded() throws {
        let channel = SubscribedChannel().channel
        var deliveries = TracedDeliveries()
        weak var held: StreamRecord?
        do {
            let stream = try self.stream(1)
            // Nothing of it is waiting, so there is nothing to hold it for.
            deliveries.keep(stream)
            held = stream
        }
        #expect(held == nil)
        do {
            let stream = try self.stream(2)
            self.add(stream, to: &deliveries, of: channel)
            deliveries.keep(stream)
            held = stream
        }
        deliveries.findTraces()
        #expect(held != nil && self.streams(deliveries) == [["2"]])
        deliveries.removeAll()
        #expect(held == nil)
    }
}
