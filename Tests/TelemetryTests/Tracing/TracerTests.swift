// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization
import Testing

@testable import Telemetry

@Suite struct TracerTests {
    private let clock = ManualClock()

    private func tracer(
        budget: Double = 2000, _ change: (inout TracingSettings) -> Void = { _ in }
    ) -> Tracer {
        var settings = TracingSettings(resource: SpanSamples.resource)
        change(&settings)
        let processor = SpanProcessor(exporter: nil, clock: clock.clock)
        return Tracer(settings: settings, processor: processor, budgetRate: budget)
    }

    private func stored(_ tracer: Tracer, _ trace: TraceID) -> [FinishedSpan] {
        tracer.processor.recorder?.spans(of: trace) ?? []
    }

    private static let remote = SpanContext(
        traceID: TraceID(high: 7, low: 7), spanID: SpanID(9), flags: .sampled, state: TraceState(headers: ["a=1"]),
        isRemote: true)

    @Test func aChildBelongsToItsParentAndARootToNobody() {
        let tracer = tracer()
        var buffer = tracer.makeBuffer()
        let root = buffer.start("root", at: 1)
        #expect(root.span.parentID == nil && root.context.isSampled && root.context.flags.contains(.random))
        let child = buffer.start("child", kind: .server, parent: Self.remote, at: 1, attributes: [Attribute("a", 1)])
        #expect(child.context.traceID == Self.remote.traceID && child.context.spanID != Self.remote.spanID)
        #expect(child.span.parentID == SpanID(9) && child.span.parentIsRemote && !child.context.isRemote)
        #expect(child.context.state.text == "a=1" && child.span.attributes == [Attribute("a", 1)])
        let grandchild = buffer.start("grandchild", parent: child.context, at: 2)
        #expect(!grandchild.span.parentIsRemote)
        buffer.end(grandchild, at: 3, monotonic: 0)
        buffer.end(child, at: 4, monotonic: 0)
        #expect(buffer.count == 2)
        buffer.flush()
        #expect(stored(tracer, Self.remote.traceID).map(\.name) == ["child", "grandchild"])
        let counts = tracer.processor.counts
        #expect(counts.started.count(origin: .none, isSampled: true) == 1)
        #expect(counts.started.count(origin: .remote, isSampled: true) == 1)
        #expect(counts.started.count(origin: .local, isSampled: true) == 1)
        #expect(counts.live == 1 && counts.ended == 2)
    }

    @Test func aParentThatNamesNothingIsNoParent() {
        var buffer = tracer().makeBuffer()
        let span = buffer.start("a", parent: SpanContext(traceID: .invalid, spanID: SpanID(1)), at: 1)
        #expect(span.span.parentID == nil && span.context.traceID.isValid)
    }

    @Test func theBufferHandsOverWhenItIsFull() {
        let tracer = tracer()
        var buffer = tracer.makeBuffer(capacity: 3)
        for _ in 0..<7 { buffer.end(buffer.start("a", at: 1), at: 2, monotonic: 0) }
        #expect(tracer.processor.counts.ended == 6 && buffer.count == 1)
        buffer.flush()
        buffer.flush()
        #expect(tracer.processor.counts.ended == 7 && tracer.processor.counts.unaccounted == 0)
    }

    @Test func eventsObeyTheLoopsShareOfTheBudgetAndSlowOnesDoNot() throws {
        let tracer = tracer(budget: 10)
        var buffer = tracer.makeBuffer(sharedBy: 2)
        let template = try #require(
            buffer.template("sse.event", kind: .producer, parent: Self.remote) { _, _ in [] })
        func record(_ count: Int, _ priority: SpanPriority, _ buffer: inout SpanBuffer) -> Int {
            buffer.record(count, numbers: SpanNumbers(), start: 1, end: 2, priority: priority, monotonic: 0) { _ in
                .passUnretained(template)
            }
        }
        let kept = [record(3, .low, &buffer), record(5, .low, &buffer), record(1, .always, &buffer)]
        #expect(kept == [3, 2, 1])
        buffer.flush()
        let counts = tracer.processor.counts
        #expect(counts[dropped: .budget] == 3 && counts.ended == 9 && counts.kept == 6)
        #expect(counts.live == 0 && counts.unaccounted == 0)
    }

    @Test func anEventOfATraceThatIsNotSampledCostsNothing() {
        let tracer = tracer()
        var buffer = tracer.makeBuffer()
        var unsampled = Self.remote
        unsampled.flags = []
        let template = buffer.template("e", parent: unsampled) { _, _ in [] }
        #expect(template == nil)
        let span = buffer.start("a", parent: unsampled, at: 1)
        #expect(!span.isRecording && !span.context.isSampled && span.context.traceID == unsampled.traceID)
        buffer.end(span, at: 2, monotonic: 0)
        #expect(buffer.count == 0)
        buffer.flush()
        #expect(tracer.processor.counts.started.count(origin: .remote, isSampled: false) == 1)
    }

    @Test func eventsThatLeaveTogetherEachGetTheirOwnTrace() throws {
        let tracer = tracer()
        var buffer = tracer.makeBuffer()
        let lives = (0..<3).map { _ in buffer.startContinuation("sse.stream", at: 0) }
        let templates = try lives.map { life in
            try #require(
                buffer.template("sse.event", parent: life.context) { numbers, _ in [Attribute("n", Int(numbers.first))]
                })
        }
        buffer.record(3, numbers: SpanNumbers(7), start: 1, end: 2, monotonic: 0) { .passUnretained(templates[$0]) }
        buffer.flush()
        for life in lives {
            let spans = stored(tracer, life.context.traceID)
            #expect(spans.map(\.parentID) == [life.context.spanID] && spans[0].attributes == [Attribute("n", 7)])
        }
        #expect(tracer.processor.counts.started.count(origin: .local, isSampled: true) == 3)
    }

    @Test func anEventIsCompleteAndLinked() throws {
        let tracer = tracer { $0.limits.attributes = 3 }
        var buffer = tracer.makeBuffer()
        let link = SpanContext(traceID: TraceID(high: 1, low: 2), spanID: SpanID(3))
        let made = buffer.template("sse.event", kind: .producer, parent: Self.remote) { numbers, duration in
            [
                Attribute("a", Int(numbers.first)), Attribute("b", Int(numbers.second)),
                Attribute("c", Int(duration)), Attribute("d", Int(numbers.third)),
            ]
        }
        let template = try #require(made)
        buffer.record(
            1, numbers: SpanNumbers(10, 20, 30), start: 5, end: 9, monotonic: 0, link: SharedLink(link)
        ) { _ in .passUnretained(template) }
        buffer.record(1, numbers: SpanNumbers(11, 21, 31), start: 5, end: 4, monotonic: 0) { _ in
            .passUnretained(template)
        }
        buffer.flush()
        let spans = stored(tracer, Self.remote.traceID)
        let (span, next) = (try #require(spans.first), try #require(spans.last))
        #expect(span.name == "sse.event" && span.kind == .producer && span.parentID == SpanID(9))
        #expect(span.start == 5 && span.end == 9 && span.links == [SpanLink(context: link)])
        #expect(span.attributes == [Attribute("a", 10), Attribute("b", 20), Attribute("c", 4)])
        #expect(span.dropped.attributes == 1)
        #expect(span.context.state.text == "a=1" && span.context.isSampled && !span.context.isRemote)
        // A clock that stepped back makes a span short, not negative.
        #expect(next.start == 5 && next.end == 5 && next.links.isEmpty && next.attributes[2] == Attribute("c", 0))
        #expect(next.context.spanID != span.context.spanID && next.context.traceID == span.context.traceID)
    }

    /// What the cost of tracing rests on: one cache line for an event, and no attribute until somebody looks.
    @Test func anEventIsALineOfMemoryUntilSomebodyLooks() throws {
        #expect(MemoryLayout<EndedSpan>.size == 64)
        let tracer = tracer()
        var buffer = tracer.makeBuffer()
        let asked = Mutex(0)
        let made = buffer.template("sse.event", parent: Self.remote) { _, _ in
            asked.withLock { $0 += 1 }
            return []
        }
        let template = try #require(made)
        buffer.record(3, numbers: SpanNumbers(), start: 1, end: 2, monotonic: 0) { _ in .passUnretained(template) }
        buffer.flush()
        #expect(tracer.processor.recorder?.summaries().first?.spanCount == 3 && asked.withLock { $0 } == 0)
        #expect(stored(tracer, Self.remote.traceID).count == 3 && asked.withLock { $0 } == 3)
    }

    @Test func aDisabledTracerRecordsNothingAndPassesTheCallersDecisionOn() {
        let tracer = tracer { $0.isEnabled = false }
        var buffer = tracer.makeBuffer()
        let span = buffer.start("a", parent: Self.remote, at: 1)
        #expect(!span.isRecording && span.context.isSampled)
        let template = buffer.template("e", parent: span.context) { _, _ in [] }
        #expect(template == nil && !buffer.start("b", at: 1).context.isSampled)
    }

    @Test func otherThreadsHaveNoBuffer() {
        let tracer = tracer()
        let span = tracer.start("a", parent: Self.remote, at: 1)
        tracer.end(span, at: 2)
        #expect(tracer.processor.counts.ended == 1 && stored(tracer, Self.remote.traceID).count == 1)
    }
}
