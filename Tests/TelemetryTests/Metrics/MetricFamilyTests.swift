// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct MetricFamilyTests {
    static let bounds = HistogramBounds.plain([1, 2])

    @Test(arguments: [
        MetricFamily.counter("a_total", help: "x"),
        .counter("sse_event_sent_bytes_total", help: "x", unit: "bytes", labels: ["protocol", "_private"]),
        .gauge("_a1", help: "x"),
        .gauge("headwater_build_info", help: "x", labels: ["version"]),
        .histogram("lag_seconds", help: "x", unit: "seconds", bounds: .seconds([0, 0.1]), exemplars: true),
        .histogram("sizes", help: "x", bounds: bounds),
    ])
    func theseHaveNoProblems(family: MetricFamily) {
        #expect(family.problems == [])
    }

    @Test(arguments: [
        (MetricFamily.counter("a", help: "x"), MetricProblem.Reason.counterWithoutTotal),
        (.counter("_total", help: "x"), .invalidName),
        (.gauge("", help: "x"), .invalidName),
        (.counter("1_total", help: "x"), .invalidName),
        (.counter("a-b_total", help: "x"), .invalidName),
        (.counter("a:b_total", help: "x"), .invalidName),
        (.counter("ä_total", help: "x"), .invalidName),
        (.counter("__a_total", help: "x"), .invalidName),
        (.counter("a\n_total", help: "x"), .invalidName),
        (.gauge("a_total", help: "x"), .reservedSuffix("_total")),
        (.gauge("a_count", help: "x"), .reservedSuffix("_count")),
        (.gauge("a_created", help: "x"), .reservedSuffix("_created")),
        (.histogram("a_bucket", help: "x", bounds: bounds), .reservedSuffix("_bucket")),
        (.histogram("a_sum", help: "x", bounds: bounds), .reservedSuffix("_sum")),
        (.gauge("a", help: ""), .noHelp),
        (.gauge("a_bytes", help: "x", unit: "seconds"), .unitIsNotSuffix("seconds")),
        (.gauge("abytes", help: "x", unit: "bytes"), .unitIsNotSuffix("bytes")),
        (.counter("bytes_a_total", help: "x", unit: "bytes"), .unitIsNotSuffix("bytes")),
        (.counter("a_total", help: "x", unit: "total"), .unitIsNotSuffix("total")),
        (.gauge("a_", help: "x", unit: ""), .unitIsNotSuffix("")),
        (.gauge("a", help: "x", labels: ["b-c"]), .invalidLabel("b-c")),
        (.gauge("a", help: "x", labels: [""]), .invalidLabel("")),
        (.gauge("a", help: "x", labels: ["__name__"]), .invalidLabel("__name__")),
        (.gauge("a", help: "x", labels: ["b", "c", "b"]), .duplicateLabel("b")),
        (.histogram("a", help: "x", bounds: bounds, labels: ["le"]), .reservedLabel("le")),
        (.histogram("a", help: "x", bounds: .plain([])), .unusableBounds),
        (.histogram("a", help: "x", bounds: .plain((0...200).map(Double.init))), .unusableBounds),
        (.histogram("a", help: "x", bounds: .plain([2, 1])), .unusableBounds),
        (.histogram("a", help: "x", bounds: .plain([1, 1])), .unusableBounds),
        (.histogram("a", help: "x", bounds: .plain([-1, 1])), .unusableBounds),
        (.histogram("a", help: "x", bounds: .plain([1, .infinity])), .unusableBounds),
        (.histogram("a", help: "x", bounds: .plain([.nan])), .unusableBounds),
        (.histogram("a", help: "x", bounds: .plain([1.1, 1.2])), .unusableBounds),
        (.histogram("a_seconds", help: "x", unit: "seconds", bounds: .seconds([1, 1e300])), .unusableBounds),
        (.histogram("a_seconds", help: "x", bounds: .seconds([1])), .durationNotInSeconds),
        (.histogram("a_bytes", help: "x", unit: "bytes", bounds: .seconds([1])), .durationNotInSeconds),
        (
            MetricFamily(name: "a", help: "x", unit: nil, kind: .gauge, labelNames: [], hasExemplars: true),
            .exemplarsWithoutHistogram
        ),
    ])
    func eachOfTheseHasOneProblem(family: MetricFamily, reason: MetricProblem.Reason) {
        #expect(family.problems == [MetricProblem(metric: family.name, reason: reason)])
    }

    @Test func everyProblemOfAFamilyIsReported() {
        let family = MetricFamily.counter("a b", help: "", labels: ["le", "x y"])
        #expect(
            family.problems.map(\.reason) == [
                .invalidName, .counterWithoutTotal, .noHelp, .reservedLabel("le"), .invalidLabel("x y"),
            ])
    }

    @Test func boundsInSecondsAreComparedInNanoseconds() {
        let bounds = HistogramBounds.seconds([0.000_1, 0.000_25, 0.1, 0.3, 1, 14_400])
        #expect(bounds.observed == [100_000, 250_000, 100_000_000, 300_000_000, 1_000_000_000, 14_400_000_000_000])
        #expect(bounds.labels == ["0.0001", "0.00025", "0.1", "0.3", "1.0", "14400.0", "+Inf"])
    }

    @Test func labelsAreOrderedAndToldApartByTheirBytes() {
        let composed = MetricLabels(names: ["a"], values: ["\u{e9}"])
        let decomposed = MetricLabels(names: ["a"], values: ["e\u{301}"])
        #expect(composed != decomposed)
        #expect(decomposed < composed)
        #expect(MetricLabels(names: ["a"], values: ["B"]) < MetricLabels(names: ["a"], values: ["a"]))
        #expect(MetricLabels(names: ["a", "b"], values: ["1"]).description == #"{a="1",b=""}"#)
        #expect(MetricLabels(names: ["a"], values: ["1", "2"]).description == #"{a="1"}"#)
    }
}
