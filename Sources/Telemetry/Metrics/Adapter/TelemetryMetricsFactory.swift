// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import CoreMetrics

/// Makes what libraries report through swift-metrics part of the same scrape.
///
///     MetricsSystem.bootstrap(try TelemetryMetricsFactory(registry: registry))
///
/// | swift-metrics | here |
/// |---|---|
/// | `Counter`, `FloatingPointCounter` | counter, `…_total` |
/// | `Gauge`, `Meter`, `Recorder(aggregate: false)` | gauge |
/// | `Recorder` | histogram over `recorderBounds` |
/// | `Timer` | histogram in seconds over `timerBounds`, `…_seconds` |
///
/// Labels and names of dimensions become names that Prometheus allows, their values are escaped. Bounded as all
/// ``DynamicMetrics`` are. A name that something else has taken already is tried again with `swift_metrics_` in front;
/// if that is taken as well, or there are too many families, the metric counts nothing.
public final class TelemetryMetricsFactory: MetricsFactory {
    private let metrics: DynamicMetrics
    private let timerBounds: HistogramBounds
    private let recorderBounds: HistogramBounds

    /// Half a millisecond to ten seconds: the conventions' for durations of requests, and one more below.
    public static let defaultTimerBounds = HistogramBounds.seconds([
        0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ])
    /// Powers of four up to 2^30: sizes and counts of any kind.
    public static let defaultRecorderBounds = HistogramBounds.plain((0...15).map { Double(1 << (2 * $0)) })

    public init(
        registry: MetricRegistry,
        limits: DynamicMetrics.Limits = .init(),
        timerBounds: HistogramBounds = defaultTimerBounds,
        recorderBounds: HistogramBounds = defaultRecorderBounds
    ) throws(MetricProblem) {
        metrics = try registry.makeDynamicMetrics(limits: limits)
        self.timerBounds = timerBounds
        self.recorderBounds = recorderBounds
    }

    /// Reports into metrics that the application uses as well.
    public init(
        metrics: DynamicMetrics,
        timerBounds: HistogramBounds = defaultTimerBounds,
        recorderBounds: HistogramBounds = defaultRecorderBounds
    ) {
        self.metrics = metrics
        self.timerBounds = timerBounds
        self.recorderBounds = recorderBounds
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        handler(label, dimensions) { .counter($0, help: $1) }
    }

    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        handler(label, dimensions) { .counter($0, help: $1) }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        handler(label, dimensions) { .gauge($0, help: $1) }
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        handler(label, dimensions) { [recorderBounds] in
            aggregate ? .histogram($0, help: $1, bounds: recorderBounds) : .gauge($0, help: $1)
        }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        handler(label, dimensions, unit: "seconds") { [timerBounds] in
            .histogram($0, help: $1, unit: "seconds", bounds: timerBounds)
        }
    }

    public func destroyCounter(_ handler: any CounterHandler) { release(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { release(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { release(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { release(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { release(handler) }

    private func release(_ handler: AnyObject) {
        (handler as? DynamicMetricHandler)?.release()
    }

    private func handler(
        _ label: String,
        _ dimensions: [(String, String)],
        unit: String? = nil,
        make: (_ name: String, _ help: String) -> MetricFamily
    ) -> DynamicMetricHandler {
        let isCounter = make("a", "b").kind == .counter
        let names = ForeignName.names(label: label, unit: unit, isCounter: isCounter)
        let help = "Reported through swift-metrics as \(ForeignName.cut(label))."
        for name in names {
            guard let family = try? metrics.register(make(name, help)) else { continue }
            return DynamicMetricHandler(metrics, metrics.series(family, labels: ForeignName.labels(dimensions)))
        }
        return DynamicMetricHandler(metrics, nil)
    }
}
