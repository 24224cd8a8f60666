// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// Metrics whose series appear while the process runs: labels with values from outside, and those of other libraries.
///
/// One lock around all of them, so they are for what happens some thousand times a second and not for delivery, which
/// has ``MetricCells``. Never unbounded: at most so many families, so many series in each, and so many bytes in a
/// label's value. What would be beyond goes to a series whose labels all have the value `other`, so that totals stay
/// right, and is counted in ``overflowFamily``.
public final class DynamicMetrics: Sendable {
    public struct Limits: Sendable, Hashable {
        public var families: Int
        /// Without the one that takes the overflow.
        public var seriesPerFamily: Int
        /// In UTF-8.
        public var labelValueBytes: Int

        public init(families: Int = 200, seriesPerFamily: Int = 200, labelValueBytes: Int = 200) {
            self.families = families
            self.seriesPerFamily = seriesPerFamily
            self.labelValueBytes = labelValueBytes
        }
    }

    /// Counts what was asked for beyond the limits. Its label names the family; without one, families were too many.
    public static let overflowFamily = MetricFamily.counter(
        "telemetry_series_overflows_total",
        help: "Requests for a series beyond its family's limit, which were counted as the label value \"other\", "
            + "and with an empty label requests for families beyond theirs, which were not counted at all.",
        labels: ["metric"]
    )

    /// The value of every label of the series that takes the overflow.
    public static let overflowLabelValue = "other"

    /// A family that was registered here.
    public struct FamilyID: Sendable, Hashable {
        let index: Int
    }

    /// One series, for the verbs. They do nothing once its last owner has released it.
    public struct Series: Sendable, Hashable {
        let family: Int
        let slot: Int
        /// Which of the slot's successive series it is.
        let generation: UInt64
    }

    private let namespace: MetricNamespace
    private let limits: Limits
    /// Lock order: this one, then the namespace's.
    private let state: Mutex<DynamicMetricsState>

    init(namespace: MetricNamespace, limits: Limits) {
        self.namespace = namespace
        self.limits = limits
        state = Mutex(DynamicMetricsState(limits: limits))
    }

    // MARK: - Registration

    /// Adds a family, or finds the one that is equal to it.
    public func register(_ family: MetricFamily) throws(MetricProblem) -> FamilyID {
        try state.withLock { state throws(MetricProblem) in
            if let known = state.find(family) { return known }
            if state.isFull {
                state.countOverflow(of: "")
                throw MetricProblem(metric: family.name, reason: .tooManyFamilies(limit: limits.families))
            }
            try namespace.claim([family])
            return state.add(family)
        }
    }

    /// The series with these label values, which then has one more owner; or beyond the limit the one called `other`.
    public func series(_ family: FamilyID, labelValues: [String]) -> Series {
        state.withLock { $0.series(family, labelValues: labelValues, isOwned: true) }
    }

    /// The same with labels that need not be the family's own.
    func series(_ family: FamilyID, labels: MetricLabels) -> Series {
        state.withLock { $0.series(family, labels: labels, isOwned: true) }
    }

    /// Gives a series up; the last owner removes it. It goes on counting from zero if it ever comes back.
    public func release(_ series: Series) {
        state.withLock { $0.release(series) }
    }

    // MARK: - Verbs

    /// Adds to a counter, which takes no negative numbers, or to a gauge. What is not finite is ignored.
    public func add(_ change: Double = 1, to series: Series) {
        state.withLock { $0.add(change, to: series) }
    }

    /// Sets a gauge.
    public func set(_ value: Double, to series: Series) {
        state.withLock { $0.set(value, to: series) }
    }

    /// Counts an observation in the unit that is exposed: durations in seconds. Below zero counts as zero; what is not
    /// finite is ignored.
    public func observe(_ value: Double, in series: Series) {
        state.withLock { $0.observe(value, in: series) }
    }

    /// Adds to the counter or gauge with these label values, which stays until the process ends.
    public func add(_ change: Double = 1, to family: FamilyID, labelValues: [String]) {
        state.withLock { $0.add(change, to: $0.series(family, labelValues: labelValues, isOwned: false)) }
    }

    /// Sets the gauge with these label values, which stays until the process ends.
    public func set(_ value: Double, to family: FamilyID, labelValues: [String]) {
        state.withLock { $0.set(value, to: $0.series(family, labelValues: labelValues, isOwned: false)) }
    }

    /// Counts an observation in the histogram with these label values, which stays until the process ends.
    public func observe(_ value: Double, in family: FamilyID, labelValues: [String]) {
        state.withLock { $0.observe(value, in: $0.series(family, labelValues: labelValues, isOwned: false)) }
    }

    /// Sets a counter back to zero, as swift-metrics allows; Prometheus takes it for a restart.
    func reset(_ series: Series) {
        state.withLock { $0.reset(series) }
    }

    /// Everything at this moment, in no particular order.
    func samples() -> [MetricFamilySamples] {
        state.withLock { $0.samples() }
    }

    /// By name of family, what ``overflowFamily`` counts.
    func overflows() -> [String: UInt64] {
        state.withLock { $0.overflows }
    }
}
