// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing
import Tracing

@testable import Telemetry

/// Users of swift-distributed-tracing in the same process.
@Suite struct TelemetryTracerTests {
    private struct Instant: TracerInstant {
        let nanosecondsSinceEpoch: UInt64
        static func < (left: Instant, right: Instant) -> Bool {
            left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
        }
    }

    private struct Fields: Injector, Extractor {
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    }

    private let processor = SpanProcessor(exporter: nil, clock: ManualClock().clock)

    private func tracer(_ change: (inout TracingSettings) -> Void = { _ in }) -> TelemetryTracer {
        var settings = TracingSettings(resource: SpanSamples.resource)
        change(&settings)
        return TelemetryTracer(Telemetry.Tracer(settings: settings, processor: processor))
    }

    private func stored(_ trace: TraceID?) -> [FinishedSpan] {
        return trace.flatMap { processor.recorder?.spans(of: $0) } ?? []
    }

    private static let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func aSpanKeepsEverythingThatTheAPISays() throws {
        struct Broken: Error {}
        let tracer = tracer()
        var context = InstrumentationContext.topLevel
        tracer.extract(["traceparent": Self.header], into: &context, using: Fields())
        let span = tracer.startSpan(
            "fetch", context: context, ofKind: .client, at: Instant(nanosecondsSinceEpoch: 10), function: "", file: "",
            line: 0)
        span.attributes["http.status"] = 200
        span.attributes["a"] = ["x", "y"]
        span.operationName = "fetch it"
        span.addEvent(SpanEvent(name: "e", at: Instant(nanosecondsSinceEpoch: 11), attributes: ["k": true]))
        span.recordError(Broken(), attributes: [:], at: Instant(nanosecondsSinceEpoch: 12))
        span.addLink(SpanLink(context: context, attributes: ["why": "test"]))
        span.setStatus(SpanStatus(code: .error, message: "broken"))
        #expect(span.isRecording && span.attributes.get("http.status") == .int64(200))
        span.end(at: Instant(nanosecondsSinceEpoch: 20))
        span.end(at: Instant(nanosecondsSinceEpoch: 30))
        span.attributes["late"] = 1
        #expect(!span.isRecording)

        let spans = stored(span.context.spanContext?.traceID)
        let finished = try #require(spans.first)
        #expect(spans.count == 1 && finished.name == "fetch it" && finished.kind == .client)
        #expect(finished.parentID == SpanID(0x00f0_67aa_0ba9_02b7) && finished.parentIsRemote)
        #expect(finished.start == 10 && finished.end == 20 && finished.status == .error("broken"))
        #expect(finished.attributes == [Attribute("a", .strings(["x", "y"])), Attribute("http.status", 200)])
        #expect(finished.events.map(\.name) == ["e", "exception"] && finished.events.map(\.time) == [11, 12])
        #expect(finished.events[0].attributes == [Attribute("k", true)])
        #expect(finished.events[1].attributes.map(\.key) == ["exception.type", "exception.message"])
        #expect(finished.links.map(\.context.spanID) == [SpanID(0x00f0_67aa_0ba9_02b7)])
    }

    @Test func nestedSpansAreOneTrace() throws {
        let tracer = tracer()
        let trace = tracer.withSpan("outer") { outer in
            tracer.withSpan("inner") { inner in
                #expect(inner.context.spanContext?.traceID == outer.context.spanContext?.traceID)
            }
            return outer.context.spanContext?.traceID
        }
        let spans = stored(trace)
        #expect(spans.map(\.name) == ["outer", "inner"])
        #expect(spans[1].parentID == spans[0].context.spanID && processor.counts.unaccounted == 0)
    }

    @Test func contextTravelsInTheFieldsOfTheSettings() {
        let tracer = tracer()
        var context = InstrumentationContext.topLevel
        tracer.extract(
            ["traceparent": Self.header, "tracestate": "a=1", "baggage": "user=me"], into: &context, using: Fields())
        var carrier: [String: String] = [:]
        tracer.inject(context, into: &carrier, using: Fields())
        #expect(carrier == ["traceparent": Self.header, "tracestate": "a=1", "baggage": "user=me"])
        var fewer: [String: String] = [:]
        self.tracer { $0.propagation = .baggage }.inject(context, into: &fewer, using: Fields())
        #expect(fewer == ["baggage": "user=me"])
        var nothing = InstrumentationContext.topLevel
        tracer.extract(["traceparent": "\(Self.header),\(Self.header)"], into: &nothing, using: Fields())
        #expect(nothing.spanContext == nil)
    }

    @Test func theSamplersDecisionHolds() {
        let span = tracer { $0.sampler = Sampler(root: .alwaysOff, isParentBased: true) }.startSpan("a")
        span.attributes["a"] = 1
        span.end()
        #expect(!span.isRecording && processor.counts.ended == 0)
    }
}
