// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct MetricLayoutTests {
    @Test func theSameSeriesIsTheSameCell() {
        var builder = MetricLayout.Builder()
        let first = builder.counter(SampleCatalogue.opened, "h2")
        let other = builder.counter(SampleCatalogue.opened, "h1")
        #expect(builder.counter(SampleCatalogue.opened, "h2") == first)
        #expect(other != first)
        let lag = builder.histogram(SampleCatalogue.lag, "h2")
        #expect(builder.histogram(SampleCatalogue.lag, labelValues: ["h2"]) == lag)
        #expect(builder.problems == [])
    }

    @Test func theOrderOfRegistrationDoesNotShow() {
        let families = ["c", "a", "b"].map { MetricFamily.gauge($0, help: "x", labels: ["l"]) }
        var builder = MetricLayout.Builder()
        for family in families { for value in ["2", "1", "10"] { _ = builder.gauge(family, value) } }
        let samples = MetricSnapshot(builder.finish()).samples()
        #expect(samples.map(\.family.name) == ["a", "b", "c"])
        for one in samples {
            #expect(one.series.map(\.labels.description) == [#"{l="1"}"#, #"{l="10"}"#, #"{l="2"}"#])
        }
    }

    /// Each call is a mistake; the id that it gives must be safe to use and must not show or disturb anything.
    @Test func aMistakeCostsOneMetricAndNothingElse() {
        let good = MetricFamily.counter("good_total", help: "x", labels: ["l"])
        let bad = MetricFamily.counter("bad", help: "x")
        let histogram = MetricFamily.histogram("sizes", help: "x", bounds: .plain([1]))
        var builder = MetricLayout.Builder()
        let counter = builder.counter(good, "1")
        let strays = [
            builder.counter(bad), builder.counter(good), builder.counter(good, "1", "2"), builder.counter(histogram),
            builder.counter(.counter("good_total", help: "another text", labels: ["l"]), "1"),
        ]
        let gauge = builder.gauge(good, "1")
        let observed = builder.histogram(good, "1")
        #expect(
            builder.problems == [
                MetricProblem(metric: "bad", reason: .counterWithoutTotal),
                MetricProblem(metric: "good_total", reason: .wrongNumberOfLabels(expected: 1, actual: 0)),
                MetricProblem(metric: "good_total", reason: .wrongNumberOfLabels(expected: 1, actual: 2)),
                MetricProblem(metric: "sizes", reason: .wrongKind(expected: "counter")),
                MetricProblem(metric: "good_total", reason: .nameIsTaken(by: "good_total")),
                MetricProblem(metric: "good_total", reason: .wrongKind(expected: "gauge")),
                MetricProblem(metric: "good_total", reason: .wrongKind(expected: "histogram")),
            ])
        let cells = MetricCells(builder.finish())
        cells.add(3, to: counter)
        for stray in strays { cells.add(100, to: stray) }
        cells.add(-5, to: gauge)
        cells.observe(9, count: 7, in: observed)
        #expect(
            cells.snapshot().samples().text() == """
                # HELP good_total x
                # TYPE good_total counter
                good_total{l="1"} 3

                """)
    }

    /// The counter of requests and the histogram of requests per connection: two families in text, one in OpenMetrics.
    @Test func namesThatOnlyClashInOpenMetricsAreFound() {
        var builder = MetricLayout.Builder()
        _ = builder.counter(.counter("connection_requests_total", help: "x"))
        _ = builder.histogram(.histogram("connection_requests", help: "x", bounds: .plain([1])))
        #expect(
            builder.problems == [
                MetricProblem(metric: "connection_requests", reason: .nameIsTaken(by: "connection_requests_total"))
            ])
        #expect(builder.finish().families.map(\.name) == ["connection_requests_total"])
    }

    @Test func nothingRegisteredIsALayoutToo() {
        let cells = MetricCells(MetricLayout.Builder().finish())
        #expect(cells.snapshot().samples().isEmpty)
    }

    @Test func familiesMayOmitSeriesThatHaveCountedNothing() {
        let counter = MetricFamily.counter("a_total", help: "x", labels: ["l"], omitsUnused: true)
        let histogram = MetricFamily.histogram("b", help: "x", bounds: .plain([1]), labels: ["l"], omitsUnused: true)
        var builder = MetricLayout.Builder()
        let counters = ["1", "2"].map { builder.counter(counter, $0) }
        let histograms = ["1", "2"].map { builder.histogram(histogram, $0) }
        #expect(builder.problems == [])
        let cells = MetricCells(builder.finish())
        #expect(cells.snapshot().samples().flatMap(\.series).isEmpty)
        cells.add(to: counters[1])
        // Above the last bound, and without a sum.
        cells.observe(0, in: histograms[0])
        cells.observe(2, in: histograms[1])
        let samples = cells.snapshot().samples()
        #expect(samples[0].series.map(\.labels.description) == [#"{l="2"}"#])
        #expect(samples[1].series.map(\.labels.description) == [#"{l="1"}"#, #"{l="2"}"#])
    }
}
