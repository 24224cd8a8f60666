// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import CoreMetrics
import Synchronization

/// One object of swift-metrics: its verbs, turned into those of ``DynamicMetrics``.
///
/// Which verbs make sense follows from the kind of the series; the others do nothing there.
final class DynamicMetricHandler: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler,
    TimerHandler
{
    private let metrics: DynamicMetrics
    /// Absent if the metric could not be registered.
    private let series: DynamicMetrics.Series?
    /// Several objects may share a series, so each gives it up once.
    private let isReleased = Atomic(false)

    init(_ metrics: DynamicMetrics, _ series: DynamicMetrics.Series?) {
        self.metrics = metrics
        self.series = series
    }

    func release() {
        guard let series, !isReleased.exchange(true, ordering: .relaxed) else { return }
        metrics.release(series)
    }

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) {
        if let series { metrics.add(amount, to: series) }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func reset() {
        if let series { metrics.reset(series) }
    }

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) {
        if let series { metrics.set(value, to: series) }
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// A recorder that does not aggregate has a gauge, the others a histogram.
    func record(_ value: Double) {
        guard let series else { return }
        metrics.set(value, to: series)
        metrics.observe(value, in: series)
    }

    func recordNanoseconds(_ duration: Int64) {
        if let series { metrics.observe(Double(duration) / 1e9, in: series) }
    }
}
