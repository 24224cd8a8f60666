// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct DynamicMetricsTests {
    static let counter = MetricFamily.counter("seen_total", help: "x", labels: ["path", "code"])
    static let gauge = MetricFamily.gauge("depth", help: "x", labels: ["queue"])
    static let histogram = MetricFamily.histogram(
        "client_lag_seconds",
        help: "x",
        unit: "seconds",
        bounds: .seconds([0.1, 1]),
        labels: ["path"]
    )

    let registry = MetricRegistry()

    func overflows(of name: String) async -> MetricValue? {
        await registry.collect().value(of: DynamicMetrics.overflowFamily, #"{metric="\#(name)"}"#)
    }

    @Test func seriesAppearAsTheyAreUsed() async throws {
        let metrics = try registry.makeDynamicMetrics()
        let seen = try metrics.register(Self.counter)
        #expect(await registry.collect().isEmpty)
        metrics.add(to: seen, labelValues: ["/b", "200"])
        metrics.add(2.5, to: seen, labelValues: ["/a", "200"])
        metrics.add(to: seen, labelValues: ["/b", "200"])
        #expect(
            await registry.collect().text() == """
                # HELP seen_total x
                # TYPE seen_total counter
                seen_total{path="/a",code="200"} 2.5
                seen_total{path="/b",code="200"} 2

                """)
    }

    @Test func eachKindTakesItsOwnVerbs() async throws {
        let metrics = try registry.makeDynamicMetrics()
        let counter = metrics.series(try metrics.register(Self.counter), labelValues: ["/", "200"])
        let gauge = metrics.series(try metrics.register(Self.gauge), labelValues: ["q"])
        let histogram = metrics.series(try metrics.register(Self.histogram), labelValues: ["p"])
        for series in [counter, gauge, histogram] {
            metrics.set(5, to: series)
            metrics.add(2, to: series)
            metrics.add(-1, to: series)
            metrics.observe(0.1, in: series)
            metrics.observe(-3, in: series)
            metrics.observe(1.5, in: series)
            for odd in [Double.nan, .infinity, -.infinity] {
                metrics.add(odd, to: series)
                metrics.observe(odd, in: series)
            }
        }
        let all = await registry.collect()
        #expect(all.value(of: Self.counter, #"{path="/",code="200"}"#) == .floating(2))
        #expect(all.value(of: Self.gauge, #"{queue="q"}"#) == .floating(6))
        let expected = HistogramValue(buckets: [2, 0, 1], sum: 1.6)
        #expect(all.value(of: Self.histogram, #"{path="p"}"#) == .histogram(expected))
    }

    @Test func whatIsBeyondTheLimitIsFoldedAndCounted() async throws {
        let metrics = try registry.makeDynamicMetrics(limits: .init(seriesPerFamily: 3))
        let seen = try metrics.register(Self.counter)
        for number in 0..<10 { metrics.add(to: seen, labelValues: ["/\(number)", "200"]) }
        metrics.add(to: seen, labelValues: ["/1", "200"])
        let all = await registry.collect()
        let series = all.first { $0.family == Self.counter }?.series ?? []
        #expect(
            series.map(\.labels.description) == [
                #"{path="/0",code="200"}"#, #"{path="/1",code="200"}"#, #"{path="/2",code="200"}"#,
                #"{path="other",code="other"}"#,
            ])
        #expect(series.map(\.value) == [.floating(1), .floating(2), .floating(1), .floating(7)])
        #expect(await overflows(of: "seen_total") == .unsigned(7))
    }

    @Test func aLabelValueThatIsTooLongIsFolded() async throws {
        let metrics = try registry.makeDynamicMetrics(limits: .init(labelValueBytes: 4))
        let depth = try metrics.register(Self.gauge)
        metrics.add(1, to: depth, labelValues: ["four"])
        metrics.add(2, to: depth, labelValues: ["€€"])
        metrics.add(3, to: depth, labelValues: [String(repeating: "x", count: 1_000_000)])
        let all = await registry.collect()
        #expect(all.value(of: Self.gauge, #"{queue="four"}"#) == .floating(1))
        #expect(all.value(of: Self.gauge, #"{queue="other"}"#) == .floating(5))
        #expect(await overflows(of: "depth") == .unsigned(2))
    }

    @Test func familiesAreBoundedToo() async throws {
        let metrics = try registry.makeDynamicMetrics(limits: .init(families: 1))
        let first = try metrics.register(Self.counter)
        #expect(throws: MetricProblem(metric: "depth", reason: .tooManyFamilies(limit: 1))) {
            try metrics.register(Self.gauge)
        }
        #expect(try metrics.register(Self.counter) == first)
        #expect(await overflows(of: "") == .unsigned(1))
        // The name stays free for somebody else.
        try registry.register([Self.gauge]) { [] }
    }

    @Test func severalShareNamesAndTheCountOfOverflows() async throws {
        let one = try registry.makeDynamicMetrics(limits: .init(families: 1, seriesPerFamily: 1))
        let other = try registry.makeDynamicMetrics(limits: .init(families: 1, seriesPerFamily: 1))
        let seen = try one.register(Self.counter)
        #expect(throws: MetricProblem.self) { try other.register(Self.counter) }
        let depth = try other.register(Self.gauge)
        for value in ["1", "2", "3"] {
            one.add(to: seen, labelValues: [value, "200"])
            other.add(to: depth, labelValues: [value])
        }
        #expect(throws: MetricProblem.self) { try one.register(Self.histogram) }
        #expect(throws: MetricProblem.self) { try other.register(Self.histogram) }
        #expect(await overflows(of: "seen_total") == .unsigned(2))
        #expect(await overflows(of: "depth") == .unsigned(2))
        #expect(await overflows(of: "") == .unsigned(2))
    }

    @Test func namesAreSharedWithTheRegistry() throws {
        let metrics = try registry.makeDynamicMetrics()
        try registry.register([Self.gauge]) { [] }
        #expect(throws: MetricProblem(metric: "depth", reason: .nameIsTaken(by: "depth"))) {
            try metrics.register(Self.gauge)
        }
        _ = try metrics.register(Self.counter)
        #expect(throws: MetricProblem(metric: "seen", reason: .nameIsTaken(by: "seen_total"))) {
            try registry.register([.gauge("seen", help: "x")]) { [] }
        }
        #expect(throws: MetricProblem(metric: "seen_total", reason: .nameIsTaken(by: "seen_total"))) {
            try metrics.register(.counter("seen_total", help: "another", labels: ["path", "code"]))
        }
    }

    @Test func aSeriesGoesWithItsLastOwner() async throws {
        let metrics = try registry.makeDynamicMetrics(limits: .init(seriesPerFamily: 1))
        let depth = try metrics.register(Self.gauge)
        let first = metrics.series(depth, labelValues: ["a"])
        let second = metrics.series(depth, labelValues: ["a"])
        #expect(first == second)
        metrics.set(1, to: first)
        metrics.release(first)
        #expect(await registry.collect().value(of: Self.gauge, #"{queue="a"}"#) == .floating(1))
        metrics.release(second)
        #expect(await registry.collect().isEmpty)
        // The place is free for another series, which the old handles do not touch.
        let next = metrics.series(depth, labelValues: ["b"])
        metrics.set(7, to: second)
        #expect(await registry.collect().value(of: Self.gauge, #"{queue="b"}"#) == .floating(0))
        metrics.set(2, to: next)
        metrics.reset(first)
        #expect(await registry.collect().value(of: Self.gauge, #"{queue="b"}"#) == .floating(2))
        #expect(await overflows(of: "depth") == nil)
        metrics.release(first)
        _ = metrics.series(depth, labelValues: ["c"])
        #expect(await overflows(of: "depth") == .unsigned(1), "the place is still taken")
    }

    @Test func seriesOfLabelsFromOutsideStay() async throws {
        let metrics = try registry.makeDynamicMetrics(limits: .init(seriesPerFamily: 2))
        let depth = try metrics.register(Self.gauge)
        let owned = metrics.series(depth, labelValues: ["a"])
        metrics.set(1, to: depth, labelValues: ["a"])
        metrics.release(owned)
        #expect(await registry.collect().value(of: Self.gauge, #"{queue="a"}"#) == .floating(1))
        _ = metrics.series(depth, labelValues: ["b"])
        let overflow = metrics.series(depth, labelValues: ["c"])
        metrics.set(9, to: overflow)
        metrics.release(overflow)
        #expect(await registry.collect().value(of: Self.gauge, #"{queue="other"}"#) == .floating(9))
    }

    @Test func concurrentVerbsLoseNothing() async throws {
        let metrics = try registry.makeDynamicMetrics()
        let seen = try metrics.register(Self.counter)
        await withTaskGroup(of: Void.self) { tasks in
            for task in 0..<4 {
                tasks.addTask {
                    for number in 0..<1000 {
                        metrics.add(to: seen, labelValues: ["/\((number + task) % 10)", "200"])
                    }
                }
            }
        }
        let values = await registry.collect().first { $0.family == Self.counter }?.series.map(\.value)
        #expect(values == [MetricValue](repeating: .floating(400), count: 10))
    }
}
