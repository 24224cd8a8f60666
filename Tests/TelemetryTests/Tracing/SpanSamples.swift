// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Telemetry

/// Spans for tests, told apart by numbers.
enum SpanSamples {
    static func span(
        _ id: UInt64, trace: UInt64 = 1, parent: UInt64? = nil, name: String = "span", start: Int64 = 1_000
    ) -> FinishedSpan {
        FinishedSpan(
            context: SpanContext(traceID: TraceID(high: 0, low: trace), spanID: SpanID(id)),
            parentID: parent.map(SpanID.init), name: name, start: start, end: start + 10)
    }

    static func spans(_ ids: Range<UInt64>) -> [FinishedSpan] { ids.map { span($0) } }

    /// The same on their way through the pipeline.
    static func ended(_ ids: Range<UInt64>) -> [EndedSpan] { ids.map { EndedSpan(span($0)) } }

    /// One span with everything a span can have, and its two plain neighbours. `otlp_batch.bin` holds these.
    static let everything: [FinishedSpan] = [
        FinishedSpan(
            context: SpanContext(
                traceID: TraceID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10),
                spanID: SpanID(0x1112_1314_1516_1718), flags: [.sampled, .random],
                state: TraceState(headers: ["vendor=value,other=1"])),
            parentID: SpanID(0x2122_2324_2526_2728), parentIsRemote: true,
            name: "GET /events/{channel} \u{E9}\u{0}\u{1F6F0}", kind: .server, start: 1_790_000_000_123_456_789,
            end: 1_790_000_000_223_456_789, status: .error("it broke"),
            attributes: [
                Attribute("a.string", "value"), Attribute("a.empty", ""), Attribute("a.nul", "be\u{0}fore"),
                Attribute("a.long", String(repeating: "long ", count: 100)), Attribute("a.zero", 0),
                Attribute("a.negative", -1), Attribute("a.least", .int(.min)), Attribute("a.most", .int(.max)),
                Attribute("a.double", 0.25), Attribute("a.zero.double", 0.0), Attribute("a.true", true),
                Attribute("a.false", false), Attribute("a.strings", .strings(["x", "", "z"])),
                Attribute("a.ints", .ints([1, 0, -1])), Attribute("a.doubles", .doubles([1.5])),
                Attribute("a.bools", .bools([true, false])), Attribute("a.none", .strings([])),
                Attribute(AttributeKey("at " + "run time"), "dynamic"),
            ],
            events: [
                SpanEvent(
                    name: "first byte", time: 1_790_000_000_150_000_000, attributes: [Attribute("bytes", 512)],
                    droppedAttributes: 3),
                SpanEvent(name: "second", time: 1_790_000_000_160_000_000),
            ],
            links: [
                SpanLink(
                    context: SpanContext(
                        traceID: TraceID(high: 0x3132_3334_3536_3738, low: 0x393A_3B3C_3D3E_3F40),
                        spanID: SpanID(0x4142_4344_4546_4748), flags: .sampled, state: TraceState(headers: ["l=1"]),
                        isRemote: true),
                    attributes: [Attribute("why", "publish")], droppedAttributes: 1),
                SpanLink(context: SpanContext(traceID: TraceID(high: 0, low: 5), spanID: SpanID(6), flags: [])),
            ],
            dropped: SpanDrops(attributes: 7, events: 8, links: 9)),
        FinishedSpan(
            context: SpanContext(traceID: TraceID(high: 0, low: 1), spanID: SpanID(2)), name: "", start: 0, end: 0,
            status: .ok),
        FinishedSpan(
            context: SpanContext(traceID: TraceID(high: 0, low: 1), spanID: SpanID(3)), parentID: SpanID(2),
            name: "sse.event", kind: .producer, start: 10, end: 20),
    ]

    static let resource = Resource(attributes: [
        Attribute("service.name", "headwater"), Attribute("process.pid", 42),
    ])
    static let scope = InstrumentationScope(name: "headwater", version: "1.2.3")
}
