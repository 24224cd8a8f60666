// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The export pipeline's counts as metrics, by OpenTelemetry's conventions for SDKs.
/// https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics
public enum PipelineMetrics {
    private static let component = ["otel_component_type", "otel_component_name"]
    private static let processor = ["batching_span_processor", "batching_span_processor/0"]
    private static let exporter = ["otlp_http_exporter", "otlp_http_exporter/0"]

    static let started = MetricFamily.counter(
        "otel_sdk_span_started_total", help: "Spans started, those that are not recorded included.",
        labels: ["otel_span_parent_origin", "otel_span_sampling_result"]
    )
    static let live = MetricFamily.gauge(
        "otel_sdk_span_live", help: "Recorded spans that have not ended.", labels: ["otel_span_sampling_result"]
    )
    static let queueSize = MetricFamily.gauge(
        "otel_sdk_processor_span_queue_size", help: "Spans that wait for the exporter.", labels: component
    )
    static let queueCapacity = MetricFamily.gauge(
        "otel_sdk_processor_span_queue_capacity", help: "The most spans that may wait.", labels: component
    )
    static let processed = MetricFamily.counter(
        "otel_sdk_processor_span_processed_total",
        help: "Spans that the processor is done with; with error_type those that it dropped.",
        labels: component + ["error_type"]
    )
    static let inFlight = MetricFamily.gauge(
        "otel_sdk_exporter_span_inflight", help: "Spans in the request under way.", labels: component
    )
    static let exported = MetricFamily.counter(
        "otel_sdk_exporter_span_exported_total",
        help: "Spans that the collector accepted; with error_type those that it did not get.",
        labels: component + ["error_type"]
    )
    static let unaccounted = MetricFamily.gauge(
        "otel_sdk_span_unaccounted",
        help: "Ended spans of which nothing is known: anything but 0 is a bug of this process."
    )
    public static let operationDuration = MetricFamily.histogram(
        "otel_sdk_exporter_operation_duration_seconds",
        help: "Exports of one batch, from the first attempt to the last answer.",
        unit: "seconds",
        bounds: .seconds([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]),
        labels: component + ["error_type"]
    )

    /// What of a drop happens in the processor; all other drops are the exporter's.
    private static let processorDrops: [SpanDropReason] = [.queueFull, .budget]

    public static let families = [
        started, live, queueSize, queueCapacity, processed, inFlight, exported, unaccounted,
    ]

    /// Adds the counts of a processor to a registry.
    public static func register(
        in registry: MetricRegistry,
        counts: @escaping @Sendable () -> PipelineCounts
    ) throws(MetricProblem) {
        try registry.register(self.families) { self.samples(counts()) }
    }

    static func samples(_ counts: PipelineCounts) -> [MetricFamilySamples] {
        let sampled = "RECORD_AND_SAMPLE"
        let starts = SpanStarts.Origin.allCases.flatMap { origin in
            [true, false].map { isSampled in
                (
                    labelValues: [origin.rawValue, isSampled ? sampled : "DROP"],
                    value: MetricValue.signed(Int64(counts.started.count(origin: origin, isSampled: isSampled)))
                )
            }
        }
        func one(_ family: MetricFamily, _ labels: [String], _ value: Int) -> MetricFamilySamples {
            MetricFamilySamples(family, [(labelValues: labels, value: .signed(Int64(value)))])
        }
        func drops(_ labels: [String], _ reasons: [SpanDropReason]) -> [(labelValues: [String], value: MetricValue)] {
            reasons.map { (labels + [$0.rawValue], .signed(Int64(counts[dropped: $0]))) }
        }
        let exporterDrops = SpanDropReason.allCases.filter { !self.processorDrops.contains($0) }
        return [
            MetricFamilySamples(self.started, starts),
            one(self.live, [sampled], counts.live),
            one(self.queueSize, self.processor, counts.queued),
            one(self.queueCapacity, self.processor, counts.queueCapacity),
            MetricFamilySamples(
                self.processed,
                [(labelValues: self.processor + [""], value: .signed(Int64(counts.processed)))]
                    + drops(self.processor, self.processorDrops)
            ),
            one(self.inFlight, self.exporter, counts.inFlight),
            MetricFamilySamples(
                self.exported,
                [
                    (labelValues: self.exporter + [""], value: .signed(Int64(counts.exported))),
                    (labelValues: self.exporter + ["rejected"], value: .signed(Int64(counts.rejected))),
                ] + drops(self.exporter, exporterDrops)
            ),
            MetricFamilySamples(self.unaccounted, .signed(Int64(counts.unaccounted))),
        ]
    }

    /// Where an exporter reports how long its exports took.
    public struct Durations: Sendable {
        private let metrics: DynamicMetrics
        private let family: DynamicMetrics.FamilyID

        /// - Throws: when the name is taken.
        public init(_ metrics: DynamicMetrics) throws(MetricProblem) {
            self.metrics = metrics
            self.family = try metrics.register(PipelineMetrics.operationDuration)
            _ = metrics.series(self.family, labelValues: PipelineMetrics.exporter + [""])
        }

        public func observe(nanoseconds: Int64, failure: SpanDropReason?) {
            self.metrics.observe(
                Double(nanoseconds) / 1e9,
                in: self.family,
                labelValues: PipelineMetrics.exporter + [failure?.rawValue ?? ""]
            )
        }
    }
}
