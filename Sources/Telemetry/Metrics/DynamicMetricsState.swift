// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What ``DynamicMetrics`` guards with its lock: families, their series and values, and the bounds.
///
/// A plain value; time, locks and names of other families are not its matter.
struct DynamicMetricsState {
    private enum Value {
        case counter(Double)
        case gauge(Double)
        case histogram(buckets: [UInt64], sum: Double)
    }

    private struct Slot {
        var generation: UInt64
        var labels: MetricLabels
        /// How many have asked for it and not released it.
        var owners: Int
        /// Whether it stays without an owner: labels from outside have none, and the overflow's count must not fall.
        var isPinned: Bool
        /// Absent while the slot is free.
        var value: Value?
    }

    private struct Family {
        let family: MetricFamily
        var slots: [Slot] = []
        var free: [Int] = []
        var byLabels: [MetricLabels: Int] = [:]
        /// Those of the series for everything beyond the limit. Families with no labels of their own come from
        /// libraries whose label names are not known.
        let overflowLabels: MetricLabels

        init(_ family: MetricFamily) {
            self.family = family
            let names = family.labelNames.isEmpty ? ["overflow"] : family.labelNames
            overflowLabels = MetricLabels(
                names: names,
                values: names.map { _ in DynamicMetrics.overflowLabelValue }
            )
        }

        var zero: Value {
            switch family.kind {
            case .counter: .counter(0)
            case .gauge: .gauge(0)
            case .histogram(let bounds):
                .histogram(buckets: [UInt64](repeating: 0, count: bounds.exposed.count + 1), sum: 0)
            }
        }
    }

    private let limits: DynamicMetrics.Limits
    private var families: [Family] = []
    private var byName: [String: Int] = [:]
    /// By family name; bounded, because families are.
    private(set) var overflows: [String: UInt64] = [:]

    init(limits: DynamicMetrics.Limits) {
        self.limits = limits
    }

    // MARK: - Families

    var isFull: Bool { families.count >= limits.families }

    func find(_ family: MetricFamily) -> DynamicMetrics.FamilyID? {
        guard let index = byName[family.name], families[index].family == family else { return nil }
        return DynamicMetrics.FamilyID(index: index)
    }

    mutating func add(_ family: MetricFamily) -> DynamicMetrics.FamilyID {
        byName[family.name] = families.count
        families.append(Family(family))
        return DynamicMetrics.FamilyID(index: families.count - 1)
    }

    mutating func countOverflow(of name: String) {
        overflows[name, default: 0] += 1
    }

    // MARK: - Series

    mutating func series(
        _ family: DynamicMetrics.FamilyID,
        labelValues: [String],
        isOwned: Bool
    ) -> DynamicMetrics.Series {
        let names = families[family.index].family.labelNames
        // Escaping doubles the length at most, so this also bounds what is rendered before it is looked up.
        let isTooLong = labelValues.contains { $0.utf8.count > limits.labelValueBytes }
        if isTooLong { return overflow(family) }
        return series(family, labels: MetricLabels(names: names, values: labelValues), isOwned: isOwned)
    }

    mutating func series(
        _ family: DynamicMetrics.FamilyID,
        labels: MetricLabels,
        isOwned: Bool
    ) -> DynamicMetrics.Series {
        let index = family.index
        if let slot = families[index].byLabels[labels] {
            return take(slot, of: index, isOwned: isOwned)
        }
        if seriesCount(of: index) >= limits.seriesPerFamily { return overflow(family) }
        return take(place(labels, in: index), of: index, isOwned: isOwned)
    }

    private mutating func take(_ slot: Int, of index: Int, isOwned: Bool) -> DynamicMetrics.Series {
        if isOwned {
            families[index].slots[slot].owners += 1
        } else {
            families[index].slots[slot].isPinned = true
        }
        let generation = families[index].slots[slot].generation
        return DynamicMetrics.Series(family: index, slot: slot, generation: generation)
    }

    /// Without the one that takes the overflow.
    private func seriesCount(of index: Int) -> Int {
        let family = families[index]
        return family.byLabels.count - (family.byLabels[family.overflowLabels] == nil ? 0 : 1)
    }

    private mutating func overflow(_ family: DynamicMetrics.FamilyID) -> DynamicMetrics.Series {
        countOverflow(of: families[family.index].family.name)
        let labels = families[family.index].overflowLabels
        let slot = families[family.index].byLabels[labels] ?? place(labels, in: family.index)
        return take(slot, of: family.index, isOwned: false)
    }

    private mutating func place(_ labels: MetricLabels, in index: Int) -> Int {
        let zero = families[index].zero
        let slot: Int
        if let free = families[index].free.popLast() {
            slot = free
            families[index].slots[slot].labels = labels
            families[index].slots[slot].value = zero
        } else {
            slot = families[index].slots.count
            families[index].slots.append(
                Slot(generation: 0, labels: labels, owners: 0, isPinned: false, value: zero)
            )
        }
        families[index].byLabels[labels] = slot
        return slot
    }

    mutating func release(_ series: DynamicMetrics.Series) {
        guard isCurrent(series), !families[series.family].slots[series.slot].isPinned else { return }
        families[series.family].slots[series.slot].owners -= 1
        guard families[series.family].slots[series.slot].owners == 0 else { return }
        let labels = families[series.family].slots[series.slot].labels
        families[series.family].byLabels[labels] = nil
        families[series.family].slots[series.slot].value = nil
        families[series.family].slots[series.slot].generation += 1
        families[series.family].free.append(series.slot)
    }

    private func isCurrent(_ series: DynamicMetrics.Series) -> Bool {
        families[series.family].slots[series.slot].generation == series.generation
    }

    // MARK: - Values

    mutating func add(_ change: Double, to series: DynamicMetrics.Series) {
        guard isCurrent(series), change.isFinite else { return }
        switch families[series.family].slots[series.slot].value {
        case .counter(let value) where change >= 0:
            families[series.family].slots[series.slot].value = .counter(value + change)
        case .gauge(let value): families[series.family].slots[series.slot].value = .gauge(value + change)
        default: break
        }
    }

    mutating func set(_ value: Double, to series: DynamicMetrics.Series) {
        guard isCurrent(series), case .gauge = families[series.family].slots[series.slot].value else { return }
        families[series.family].slots[series.slot].value = .gauge(value)
    }

    mutating func observe(_ value: Double, in series: DynamicMetrics.Series) {
        guard isCurrent(series), value.isFinite,
            case .histogram(let bounds) = families[series.family].family.kind,
            case .histogram(var buckets, let sum) = families[series.family].slots[series.slot].value
        else { return }
        let value = max(0, value)
        // So that the array has one owner and is changed in place.
        families[series.family].slots[series.slot].value = nil
        buckets[bounds.exposed.firstIndex { value <= $0 } ?? bounds.exposed.count] += 1
        families[series.family].slots[series.slot].value = .histogram(buckets: buckets, sum: sum + value)
    }

    mutating func reset(_ series: DynamicMetrics.Series) {
        guard isCurrent(series) else { return }
        families[series.family].slots[series.slot].value = families[series.family].zero
    }

    func samples() -> [MetricFamilySamples] {
        families.map { family in
            MetricFamilySamples(
                family.family,
                family.slots.compactMap { slot in
                    switch slot.value {
                    case .counter(let value), .gauge(let value): MetricSeries(slot.labels, .floating(value))
                    case .histogram(let buckets, let sum):
                        MetricSeries(slot.labels, .histogram(HistogramValue(buckets: buckets, sum: sum)))
                    case nil: nil
                    }
                }
            )
        }
    }
}
