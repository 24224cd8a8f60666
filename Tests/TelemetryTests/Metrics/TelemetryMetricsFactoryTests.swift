// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import CoreMetrics
import Testing

@testable import Telemetry

@Suite struct TelemetryMetricsFactoryTests {
    let registry = MetricRegistry()

    func factory(limits: DynamicMetrics.Limits = .init()) throws -> TelemetryMetricsFactory {
        try TelemetryMetricsFactory(
            registry: registry,
            limits: limits,
            timerBounds: .seconds([0.001, 1]),
            recorderBounds: .plain([1, 10])
        )
    }

    /// The samples alone, without comments.
    func lines() async -> [String] {
        await registry.collect().text().split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func everyKindIsExposed() async throws {
        let factory = try factory()
        Counter(label: "http.requests", dimensions: [("path", "/a\"b\n")], factory: factory).increment(by: 3)
        FloatingPointCounter(label: "energy-used", factory: factory).increment(by: 1.5)
        Gauge(label: "queue.count", factory: factory).record(12)
        let meter = Meter(label: "temperature", factory: factory)
        meter.set(4)
        meter.increment(by: 1.5)
        meter.decrement(by: 6)
        Recorder(label: "size", factory: factory).record(7)
        let timer = CoreMetrics.Timer(label: "query", factory: factory)
        timer.recordNanoseconds(1_000_000)
        timer.recordMilliseconds(1_500)
        #expect(
            await lines() == [
                "energy_used_total 1.5",
                #"http_requests_total{path="/a\"b\n"} 3"#,
                #"query_seconds_bucket{le="0.001"} 1"#,
                #"query_seconds_bucket{le="1.0"} 1"#,
                #"query_seconds_bucket{le="+Inf"} 2"#,
                "query_seconds_sum 1.501",
                "query_seconds_count 2",
                "queue_count_value 12",
                #"size_bucket{le="1.0"} 0"#,
                #"size_bucket{le="10.0"} 1"#,
                #"size_bucket{le="+Inf"} 1"#,
                "size_sum 7",
                "size_count 1",
                "temperature -0.5",
            ])
    }

    @Test func objectsWithOneLabelShareASeries() async throws {
        let factory = try factory()
        let dimensions = [("b", "2"), ("a", "1")]
        let one = Counter(label: "jobs", dimensions: dimensions, factory: factory)
        let other = Counter(label: "jobs", dimensions: dimensions.reversed(), factory: factory)
        one.increment()
        other.increment(by: 2)
        #expect(await lines() == [#"jobs_total{a="1",b="2"} 3"#])
        one.destroy()
        one.destroy()
        other.increment()
        #expect(await lines() == [#"jobs_total{a="1",b="2"} 4"#])
        other.reset()
        #expect(await lines() == [#"jobs_total{a="1",b="2"} 0"#])
        other.destroy()
        other.increment()
        #expect(await lines() == [])
    }

    @Test func aNameThatIsTakenIsTriedWithAPrefix() async throws {
        try registry.register(MetricFamilySamples(.counter("jobs_total", help: "x"), .unsigned(1)))
        let factory = try factory()
        Counter(label: "jobs", factory: factory).increment(by: 2)
        Gauge(label: "jobs", factory: factory).record(3)
        Counter(label: "a.b", factory: factory).increment(by: 4)
        Counter(label: "a-b", factory: factory).increment(by: 5)
        Counter(label: "a b", factory: factory).increment(by: 6)
        #expect(
            await lines() == [
                "a_b_total 4", "jobs_total 1", "swift_metrics_a_b_total 5", "swift_metrics_jobs_total 2",
            ])
    }

    @Test func boundsHold() async throws {
        let factory = try factory(limits: .init(families: 1, seriesPerFamily: 2))
        for number in 0..<5 {
            Counter(label: "jobs", dimensions: [("id", "\(number)")], factory: factory).increment()
        }
        Gauge(label: "beyond", factory: factory).record(1)
        #expect(
            await lines() == [
                #"jobs_total{id="0"} 1"#, #"jobs_total{id="1"} 1"#, #"jobs_total{overflow="other"} 3"#,
                #"telemetry_series_overflows_total{metric=""} 2"#,
                #"telemetry_series_overflows_total{metric="jobs_total"} 3"#,
            ])
    }

    @Test(arguments: [
        ("a.b-c d", "a_b_c_d"), ("9lives", "_9lives"), ("", "_"), ("__name__", "_name__"), ("é€😀", "___"), ("_", "_"),
        ("a\u{0}\n\"", "a___"), ("a:b", "a_b"),
    ])
    func textsBecomeNames(text: String, name: String) {
        // Two underscores in front are Prometheus' own.
        let expected = name.hasPrefix("__") ? "_" : name
        #expect(ForeignName.sanitized(text) == expected)
        #expect(MetricFamily.isName(expected))
    }

    @Test func longNamesAreCut() {
        let hostile = "a" + String(repeating: "\u{301}", count: 100_000)
        #expect(ForeignName.sanitized(hostile).utf8.count == ForeignName.lengthLimit)
        #expect(ForeignName.labels([("a", hostile)]).rendered.count <= 4 * ForeignName.lengthLimit + 4)
        let many = (0..<100).map { ("d\($0)", "x") }
        let separators = ForeignName.labels(many).rendered.filter { $0 == UInt8(ascii: ",") }
        #expect(separators.count == ForeignName.dimensionLimit - 1)
    }

    @Test func dimensionsThatBecomeEqualAreToldApart() {
        let labels = ForeignName.labels([("le", "1"), ("a-b", "3"), ("a.b", "2"), ("quantile", "4")])
        #expect(labels.description == #"{a_b="2",a_b_2="3",label_le="1",label_quantile="4"}"#)
    }

    @Test(
        arguments: [
            ("requests", nil, true, "requests_total"), ("requests_total", nil, true, "requests_total"),
            ("requests.total", nil, false, "requests"), ("wait", "seconds", false, "wait_seconds"),
            ("wait.seconds", "seconds", false, "wait_seconds"), ("rows_count", nil, true, "rows_count_total"),
            ("rows_count", nil, false, "rows_count_value"), ("build_info", nil, false, "build_info_value"),
        ] as [(String, String?, Bool, String)])
    func labelsBecomeNamesOfTheirKind(label: String, unit: String?, isCounter: Bool, name: String) {
        let names = ForeignName.names(label: label, unit: unit, isCounter: isCounter)
        #expect(names == [name, "swift_metrics_" + name])
    }
}
