// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import Testing

@testable import Telemetry

/// The whole pipeline on a clock that the test moves and with a collector that the test speaks for.
@Suite(.timeLimit(.minutes(1))) struct SpanProcessorTests {
    private static let second = ManualClock.second
    private let clock = ManualClock()
    private let collector = ScriptedCollector()

    private func processor(
        capacity: Int = 2048, _ change: (inout TracingSettings) -> Void = { _ in }
    ) -> SpanProcessor {
        var settings = TracingSettings(resource: SpanSamples.resource)
        change(&settings)
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let exporter = SpanExporter(
            settings: settings, scope: SpanSamples.scope, sender: collector.sender, clock: clock.clock,
            jitter: { 0 }, logger: logger)
        return SpanProcessor(queueCapacity: capacity, exporter: exporter, clock: clock.clock)
    }

    private func expectBalanced(_ processor: SpanProcessor, _ location: SourceLocation = #_sourceLocation) {
        #expect(processor.counts.unaccounted == 0, "\(processor.counts)", sourceLocation: location)
    }

    @Test func aFullBatchGoesAtOnceAndTheRestAfterItsDelay() async throws {
        let processor = processor()
        async let running: Void = processor.run()
        processor.submit(SpanSamples.spans(1..<601))
        let first = try #require(await collector.request())
        #expect(first.url == "http://localhost:4318/v1/traces" && first.timeout == 10 * Self.second)
        #expect(first.headers.contains(OTLPHeader("content-type", "application/x-protobuf")))
        #expect(processor.counts.inFlight == 512 && processor.counts.queued == 88)
        expectBalanced(processor)
        collector.answer(ScriptedCollector.status(200))
        await clock.sleeper(until: 5 * Self.second)
        clock.advance(to: 5 * Self.second)
        #expect(await collector.request() != nil)
        #expect(processor.counts.exported == 512 && processor.counts.inFlight == 88)
        collector.answer(ScriptedCollector.partial(rejected: 8))
        #expect(await processor.forceFlush())
        #expect(processor.counts.exported == 592 && processor.counts.rejected == 8)
        #expect(await processor.shutDown() == 0)
        expectBalanced(processor)
        await running
    }

    @Test func theFirstSpanStartsTheDelayAndTheOneThatFillsABatchEndsIt() async throws {
        let processor = processor()
        async let running: Void = processor.run()
        // The exporter sleeps, and waits for the first span.
        while !Task.isCancelled, processor.state.withLock({ $0.wakeAt }) != 1 { await Task.yield() }
        clock.advance(to: Self.second)
        processor.submit(SpanSamples.spans(1..<2))
        await clock.sleeper(until: 6 * Self.second)
        processor.submit(SpanSamples.spans(2..<512))
        #expect(processor.counts.queued == 511)
        processor.submit(SpanSamples.spans(512..<514))
        #expect(await collector.request() != nil)
        #expect(processor.counts.inFlight == 512 && clock.now == Self.second)
        collector.answer(ScriptedCollector.status(200))
        collector.answer(ScriptedCollector.status(200))
        #expect(await processor.forceFlush())
        await processor.shutDown()
        await running
    }

    @Test func aQueueThatIsFullTakesNoMoreAndSaysSo() async {
        let processor = processor(capacity: 100)
        processor.submit(SpanSamples.spans(1..<81))
        processor.submit(SpanSamples.spans(81..<161))
        #expect(processor.counts.queued == 100 && processor.counts[dropped: .queueFull] == 60)
        expectBalanced(processor)
    }

    @Test func aFailedExportIsTriedAgainWithTheSameBytes() async throws {
        let processor = processor { $0.otlp.compression = .gzip }
        async let running: Void = processor.run()
        processor.submit(SpanSamples.spans(1..<513))
        let first = try #require(await collector.request())
        #expect(first.contentEncoding == "gzip" && first.headers.contains(OTLPHeader("content-encoding", "gzip")))
        collector.answer(.notConnected("refused"))
        await clock.sleeper(until: Self.second / 2)
        #expect(processor.counts.inFlight == 512)
        clock.advance(to: Self.second / 2)
        let second = try #require(await collector.request())
        #expect(second == first)
        collector.answer(ScriptedCollector.status(503, [OTLPHeader("retry-after", "3")]))
        await clock.sleeper(until: Self.second * 7 / 2)
        clock.advance(to: Self.second * 7 / 2)
        #expect(await collector.request() == first)
        collector.answer(ScriptedCollector.status(200))
        #expect(await processor.forceFlush())
        #expect(processor.counts.exported == 512)
        await processor.shutDown()
        await running
    }

    @Test func aRefusedBatchIsCountedAndTheNextOneGoes() async throws {
        let processor = processor()
        async let running: Void = processor.run()
        processor.submit(SpanSamples.spans(1..<1025))
        _ = await collector.request()
        collector.answer(ScriptedCollector.status(400))
        _ = await collector.request()
        #expect(processor.counts[dropped: .refused] == 512 && processor.counts.inFlight == 512)
        collector.answer(.tooLarge(status: 200))
        #expect(await processor.forceFlush())
        #expect(processor.counts[dropped: .responseTooLarge] == 512)
        expectBalanced(processor)
        await processor.shutDown()
        await running
    }

    @Test func aBatchThatIsTooLargeGoesInPartsAndASpanThatIsGoesNowhere() async throws {
        var settings = OTLPSettings()
        settings.requestLimit = 700
        let processor = processor { $0.otlp = settings }
        async let running: Void = processor.run()
        var huge = SpanSamples.span(3)
        huge.attributes = [Attribute("a", String(repeating: "x", count: 800))]
        let spans = SpanSamples.spans(1..<3) + [huge] + SpanSamples.spans(4..<20)
        processor.submit(spans)
        let bodies = Task { [collector] in
            var sizes: [Int] = []
            while let request = await collector.request() {
                sizes.append(request.body.count)
                collector.answer(ScriptedCollector.status(200))
            }
            return sizes
        }
        #expect(await processor.forceFlush())
        #expect(processor.counts.exported == 18 && processor.counts[dropped: .requestTooLarge] == 1)
        expectBalanced(processor)
        await processor.shutDown()
        await running
        bodies.cancel()
        let sizes = await bodies.value
        #expect(sizes.count > 1 && sizes.allSatisfy { $0 <= 700 })
    }

    // MARK: Flush and shutdown

    @Test func aFlushThatTakesTooLongSaysSo() async {
        let processor = processor()
        async let running: Void = processor.run()
        processor.submit(SpanSamples.spans(1..<2))
        async let flushed = processor.forceFlush(within: .seconds(2))
        _ = await collector.request()
        await clock.sleeper(until: 2 * Self.second)
        clock.advance(to: 2 * Self.second)
        #expect(await flushed == false)
        collector.answer(ScriptedCollector.status(200))
        #expect(await processor.forceFlush())
        await processor.shutDown()
        await running
    }

    @Test func shuttingDownSendsWhatIsLeftAndTakesNoMore() async {
        let processor = processor()
        async let running: Void = processor.run()
        processor.submit(SpanSamples.spans(1..<4))
        async let lost = processor.shutDown()
        _ = await collector.request()
        processor.submit(SpanSamples.spans(4..<6))
        #expect(processor.counts[dropped: .shutdown] == 2)
        collector.answer(ScriptedCollector.status(200))
        #expect(await lost == 2)
        #expect(processor.counts.exported == 3)
        expectBalanced(processor)
        await running
    }

    @Test func aCollectorThatHangsCannotHoldUpTheEnd() async {
        let processor = processor()
        async let running: Void = processor.run()
        processor.submit(SpanSamples.spans(1..<601))
        _ = await collector.request()
        async let lost = processor.shutDown(within: .seconds(3))
        await clock.sleeper(until: 3 * Self.second)
        clock.advance(to: 3 * Self.second)
        #expect(await lost == 600)
        await running
        // An answer after the end changes nothing.
        collector.answer(ScriptedCollector.status(200))
        #expect(processor.counts.exported == 0 && processor.counts.waiting == 0)
        expectBalanced(processor)
        #expect(await processor.forceFlush())
    }

    /// A sender that does not heed cancellation reports what nobody waits for any more.
    @Test func whatIsLostStaysLostWhateverALateAnswerSays() {
        let processor = processor()
        processor.submit(SpanSamples.spans(1..<9))
        #expect(processor.takeBatch(5).count == 5)
        processor.end()
        #expect(processor.counts[dropped: .shutdown] == 8)
        processor.settle(exported: 5)
        processor.end()
        #expect(processor.counts[dropped: .shutdown] == 8 && processor.counts.exported == 0)
        expectBalanced(processor)
    }

    @Test func cancellingTheTaskShutsDown() async {
        let processor = processor()
        let running = Task { await processor.run() }
        processor.submit(SpanSamples.spans(1..<3))
        running.cancel()
        _ = await collector.request()
        collector.answer(ScriptedCollector.status(200))
        await running.value
        #expect(processor.counts.exported == 2)
        expectBalanced(processor)
    }

    @Test func withoutAnExporterSpansStayInTheProcess() async {
        let processor = SpanProcessor(exporter: nil, clock: clock.clock)
        async let running: Void = processor.run()
        processor.submit(SpanSamples.spans(1..<4))
        #expect(processor.counts.kept == 3)
        #expect(await processor.forceFlush())
        #expect(await processor.shutDown() == 0)
        await running
        #expect(processor.recorder?.spans(of: TraceID(high: 0, low: 1)).count == 3)
        expectBalanced(processor)
    }

    @Test func anAlarmThatWasNotNeededWakesNobodyLater() async {
        let signal = WakeSignal()
        let waiting = Task { [clock] in await signal.wait(until: Self.second, clock: clock.clock) }
        await clock.sleeper(until: Self.second)
        signal.raise()
        await waiting.value
        // The alarm was cancelled, and has ended when the clock forgets it.
        while clock.sleeperCount > 0 { await Task.yield() }
        for _ in 0..<1000 { await Task.yield() }
        #expect(!signal.isRaised)
    }

    /// Threads that hand over while batches are taken, rejected and refused, and a shutdown in their midst.
    @Test func everySpanIsCountedOnceWhateverHappensAtOnce() async {
        var settings = TracingSettings(resource: SpanSamples.resource)
        settings.batchSize = 64
        let exporter = SpanExporter(
            settings: settings, scope: SpanSamples.scope,
            sender: { request in
                switch request.body.count % 3 {
                case 0: ScriptedCollector.status(200)
                case 1: ScriptedCollector.partial(rejected: 5)
                default: ScriptedCollector.status(413)
                }
            },
            clock: clock.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let processor = SpanProcessor(queueCapacity: 500, exporter: exporter, clock: clock.clock)
        async let running: Void = processor.run()
        await withTaskGroup { group in
            for thread in 0..<4 {
                group.addTask {
                    for round in 0..<300 {
                        processor.submit(SpanSamples.spans(1..<UInt64(2 + (round + thread) % 30)))
                        if round % 50 == 0 { _ = await processor.forceFlush() }
                        expectBalanced(processor)
                    }
                }
            }
            group.addTask {
                while processor.counts.ended < 9_000 { await Task.yield() }
                await processor.shutDown()
            }
        }
        await running
        let counts = processor.counts
        #expect(counts.ended == 4 * (0..<300).reduce(0) { $0 + 1 + $1 % 30 })
        #expect(counts.unaccounted == 0 && counts.waiting == 0 && counts.exported > 0 && counts.rejected > 0)
    }

    // MARK: The settings

    @Test(
        arguments: [
            ([:], true), (["OTEL_TRACES_EXPORTER": "console"], false), (["OTEL_TRACES_EXPORTER": "none"], false),
            (["OTEL_SDK_DISABLED": "true"], false), (["OTEL_TRACES_EXPORTER": "otlp,console"], true),
        ] as [([String: String], Bool)])
    func spansAreExportedWhenTheEnvironmentSaysSo(environment: [String: String], exports: Bool) {
        let identity = ProcessIdentity(name: "headwater", version: "1")
        let processor = SpanProcessor(
            settings: TracingSettings.reading(environment, process: identity).settings, scope: SpanSamples.scope,
            sender: collector.sender, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            line: { _ in }, clock: clock.clock)
        processor.submit(SpanSamples.spans(1..<3))
        #expect(processor.counts.queued == (exports ? 2 : 0) && processor.counts.kept == (exports ? 0 : 2))
        #expect(processor.recorder != nil)
    }

    // MARK: The recorder

    @Test func theRecorderKeepsTheNewestWhenNobodyTakesThem() {
        let recorder = SpanRecorder(ring: TraceRing(bounds: .init(traces: 8, spansPerTrace: 20_000, spans: 20_000)))
        for start in stride(from: UInt64(0), to: 20_000, by: 1000) {
            recorder.submit((start..<start + 1000).map { EndedSpan(SpanSamples.span($0, parent: 1)) })
        }
        let spans = recorder.spans(of: TraceID(high: 0, low: 1))
        #expect(spans.count == 16_000 && recorder.overrun == 4_000)
        #expect(spans.last?.context.spanID.value == 19_999)
    }

    @Test func aReaderSeesWhatCameBeforeAndOnlyManySpansWakeATask() {
        let recorder = SpanRecorder()
        let few = UInt64(SpanRecorder.worthWaking) / 2
        recorder.submit(SpanSamples.ended(1..<few))
        #expect(!recorder.signal.isRaised && recorder.summaries().map(\.spanCount) == [Int(few) - 1])
        // What a reader has taken away is not waited for any more.
        recorder.submit(SpanSamples.ended(few..<2 * few))
        #expect(!recorder.signal.isRaised)
        recorder.submit(SpanSamples.ended(2 * few..<3 * few + 1))
        #expect(recorder.signal.isRaised)
    }

    @Test func theLogGetsALineForEverySpan() async {
        let (lines, input) = AsyncStream<String>.makeStream()
        let recorder = SpanRecorder(line: { input.yield($0) })
        let processor = SpanProcessor(exporter: nil, recorder: recorder, clock: clock.clock)
        async let running: Void = processor.run()
        processor.submit([SpanSamples.span(1, name: "one"), SpanSamples.span(2, name: "two")])
        var iterator = lines.makeAsyncIterator()
        #expect(await iterator.next()?.contains("\"one\"") == true)
        #expect(await iterator.next()?.contains("\"two\"") == true)
        await processor.shutDown()
        await running
    }
}
