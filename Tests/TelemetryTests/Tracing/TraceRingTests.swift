// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct TraceRingTests {
    private func ids(_ ring: TraceRing, trace: UInt64) -> [UInt64] {
        ring.spans(of: TraceID(high: 0, low: trace)).map(\.context.spanID.value)
    }

    @Test func theRootComesFirstWheneverItEnds() {
        var ring = TraceRing()
        ring.insert(SpanSamples.span(3, parent: 1))
        ring.insert(SpanSamples.span(2, parent: 1))
        ring.insert(SpanSamples.span(1, name: "root"))
        #expect(ids(ring, trace: 1) == [1, 3, 2])
        #expect(ids(ring, trace: 9).isEmpty)
    }

    @Test func aTraceThatIsTooLongLosesItsOldestAndKeepsItsRoot() {
        var ring = TraceRing(bounds: .init(traces: 4, spansPerTrace: 4, spans: 100))
        ring.insert(SpanSamples.span(1))
        for id in 2...9 as ClosedRange<UInt64> { ring.insert(SpanSamples.span(id, parent: 1)) }
        #expect(ids(ring, trace: 1) == [1, 7, 8, 9])
        #expect(ring.summaries()[0].droppedSpans == 5 && ring.spanCount == 4)
    }

    @Test func aRootThatComesLateFindsRoom() {
        var ring = TraceRing(bounds: .init(traces: 4, spansPerTrace: 3, spans: 100))
        for id in 2...6 as ClosedRange<UInt64> { ring.insert(SpanSamples.span(id, parent: 1)) }
        #expect(ids(ring, trace: 1) == [4, 5, 6])
        ring.insert(SpanSamples.span(1))
        #expect(ids(ring, trace: 1) == [1, 5, 6])
        ring.insert(SpanSamples.span(7, parent: 1))
        #expect(ids(ring, trace: 1) == [1, 6, 7] && ring.spanCount == 3)
    }

    @Test func theQuietestTraceMakesRoom() {
        var ring = TraceRing(bounds: .init(traces: 2, spansPerTrace: 10, spans: 100))
        ring.insert(SpanSamples.span(1, trace: 1))
        ring.insert(SpanSamples.span(1, trace: 2))
        ring.insert(SpanSamples.span(2, trace: 1, parent: 1))
        ring.insert(SpanSamples.span(1, trace: 3))
        #expect(ids(ring, trace: 2).isEmpty && ids(ring, trace: 1) == [1, 2])
        #expect(ring.summaries().map(\.traceID.low) == [3, 1] && ring.evictedTraces == 1)
    }

    @Test func tooManySpansInAllCostThoseWhoHaveMoreThanTheirShare() {
        var ring = TraceRing(bounds: .init(traces: 10, spansPerTrace: 10, spans: 12))
        func insert(_ ids: ClosedRange<UInt64>, of trace: UInt64) {
            for id in ids { ring.insert(SpanSamples.span(id, trace: trace, parent: id > 1 ? 1 : nil)) }
        }
        insert(1...9, of: 1)
        insert(1...5, of: 2)
        // The second is below its half, so the first gave up two.
        #expect(ids(ring, trace: 1) == [1, 4, 5, 6, 7, 8, 9] && ids(ring, trace: 2) == [1, 2, 3, 4, 5])
        insert(1...1, of: 3)
        // Both have more than a third now, and it is the other one's turn.
        #expect(ids(ring, trace: 1) == [1, 4, 5, 6, 7, 8, 9] && ids(ring, trace: 2) == [1, 3, 4, 5])
        #expect(ids(ring, trace: 3) == [1] && ring.spanCount == 12 && ring.evictedTraces == 0)
    }

    @Test func livelyTracesKeepTheirRootsForEver() {
        var ring = TraceRing(bounds: .init(traces: 8, spansPerTrace: 100, spans: 40))
        for trace in 1...8 as ClosedRange<UInt64> { ring.insert(SpanSamples.span(1, trace: trace)) }
        for id in 2...50 as ClosedRange<UInt64> {
            for trace in 1...8 as ClosedRange<UInt64> { ring.insert(SpanSamples.span(id, trace: trace, parent: 1)) }
        }
        for trace in 1...8 as ClosedRange<UInt64> { #expect(ids(ring, trace: trace) == [1, 47, 48, 49, 50]) }
        #expect(ring.summaries().allSatisfy { $0.droppedSpans == 45 } && ring.evictedTraces == 0)
    }

    @Test func rootsAloneGoWithTheirTraces() {
        var ring = TraceRing(bounds: .init(traces: 10, spansPerTrace: 2, spans: 2))
        for trace in 1...3 as ClosedRange<UInt64> { ring.insert(SpanSamples.span(1, trace: trace)) }
        #expect(ring.summaries().map(\.traceID.low) == [3, 2] && ring.evictedTraces == 1)
    }

    @Test func oneOfManySpansBringsNoTraceInWhenThereAreEnough() {
        func event(_ id: UInt64, of trace: UInt64) -> EndedSpan {
            let parent = SpanContext(traceID: TraceID(high: 0, low: trace), spanID: SpanID(1))
            let template = SpanTemplate("sse.event", kind: .producer, parent: parent, limits: SpanLimits()) { _, _ in []
            }
            return EndedSpan(template, id: SpanID(id), start: 1, end: 2, numbers: SpanNumbers(), link: nil)
        }
        var ring = TraceRing(bounds: .init(traces: 2, spansPerTrace: 10, spans: 100))
        ring.insert(event(2, of: 1))
        ring.insert(SpanSamples.span(1, trace: 2))
        ring.insert(event(2, of: 3))
        #expect(ids(ring, trace: 1) == [2] && ids(ring, trace: 2) == [1] && ids(ring, trace: 3).isEmpty)
        ring.insert(SpanSamples.span(1, trace: 3))
        ring.insert(event(2, of: 3))
        #expect(ids(ring, trace: 1).isEmpty && ids(ring, trace: 3) == [1, 2])
    }

    @Test func aSummarySaysWhatATraceIs() {
        var ring = TraceRing()
        ring.insert(SpanSamples.span(2, parent: 1, start: 5_000))
        #expect(ring.summaries()[0].rootName == nil)
        var failed = SpanSamples.span(1, name: "GET /events", start: 1_000)
        failed.status = .error("")
        ring.insert(failed)
        let summary = ring.summaries()[0]
        #expect(summary.rootName == "GET /events" && summary.start == 1_000 && summary.duration == 4_010)
        #expect(summary.spanCount == 2 && summary.hasError)
    }

    /// Whatever comes, in whatever order: the bounds hold, and the counts are those of what is stored.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func boundsHoldForAnySequence(seed: UInt64) {
        var random = IDGenerator(seed: (seed, 1, 2, 3))
        let bounds = TraceRing.Bounds(
            traces: .random(in: 1...6, using: &random), spansPerTrace: .random(in: 1...5, using: &random),
            spans: .random(in: 1...12, using: &random))
        var ring = TraceRing(bounds: bounds)
        for step in 1...400 as ClosedRange<UInt64> {
            let trace = UInt64.random(in: 1...9, using: &random)
            let isRoot = Bool.random(using: &random)
            ring.insert(SpanSamples.span(step, trace: trace, parent: isRoot ? nil : 1))
            #expect(ids(ring, trace: trace).contains(step) || bounds.spansPerTrace == 1)
            let summaries = ring.summaries()
            #expect(summaries.count == ring.traceCount && ring.traceCount <= bounds.traces)
            #expect(summaries.reduce(0) { $0 + $1.spanCount } == ring.spanCount && ring.spanCount <= bounds.spans)
            #expect(summaries.allSatisfy { $0.spanCount <= bounds.spansPerTrace })
            #expect(summaries.first?.traceID.low == trace)
            for summary in summaries { #expect(ring.spans(of: summary.traceID).count == summary.spanCount) }
        }
    }
}
