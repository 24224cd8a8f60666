// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

extension MetricLayout {
    /// Hands out cells, at the start of the process.
    ///
    /// It never traps. Whatever is wrong with a family or with a call is added to ``problems``, and the id that comes
    /// back counts in cells that are not exposed: a mistake costs one metric and not the process. The test of a
    /// catalogue expects that there are none.
    public struct Builder {
        /// What was wrong so far, in the order of the calls.
        public private(set) var problems: [MetricProblem] = []
        private var words: [UInt64] = []
        private var families: [String: (family: MetricFamily, offsets: [MetricLabels: Int])] = [:]
        /// Each name that a family or its samples take, and whose it is.
        private var owners: [String: String] = [:]

        public init() {}

        /// The counter of this family with these label values; the same one each time.
        public mutating func counter(_ family: MetricFamily, _ labelValues: String...) -> CounterID {
            counter(family, labelValues: labelValues)
        }

        public mutating func counter(_ family: MetricFamily, labelValues: [String]) -> CounterID {
            let isRight = family.kind == .counter
            return CounterID(
                offset: place(family, labelValues, isRightKind: isRight, expected: "counter", size: 1).offset)
        }

        /// The gauge of this family with these label values. The gauges of all loops are added up.
        public mutating func gauge(_ family: MetricFamily, _ labelValues: String...) -> GaugeID {
            gauge(family, labelValues: labelValues)
        }

        public mutating func gauge(_ family: MetricFamily, labelValues: [String]) -> GaugeID {
            let isRight = family.kind == .gauge
            return GaugeID(offset: place(family, labelValues, isRightKind: isRight, expected: "gauge", size: 1).offset)
        }

        /// The histogram of this family with these label values.
        public mutating func histogram(_ family: MetricFamily, _ labelValues: String...) -> HistogramID {
            histogram(family, labelValues: labelValues)
        }

        public mutating func histogram(_ family: MetricFamily, labelValues: [String]) -> HistogramID {
            var bounds: [Int64] = []
            var isRight = false
            if case .histogram(let its) = family.kind {
                isRight = true
                bounds = its.observed
            }
            let shape = HistogramShape(boundCount: bounds.count)
            let size = shape.wordCount(exemplars: family.hasExemplars)
            let place = place(family, labelValues, isRightKind: isRight, expected: "histogram", size: size)
            if place.isNew {
                for (index, bound) in bounds.enumerated() {
                    words[place.offset + shape.bounds + index] = UInt64(max(0, bound))
                }
            }
            return HistogramID(offset: place.offset, boundCount: bounds.count, hasExemplars: family.hasExemplars)
        }

        public consuming func finish() -> MetricLayout {
            let entries = families.values.sorted { $0.family.name < $1.family.name }.map { entry in
                Family(
                    family: entry.family,
                    series: entry.offsets.map { Series(labels: $0.key, offset: $0.value) }.sorted {
                        $0.labels < $1.labels
                    }
                )
            }
            return MetricLayout(entries: entries, initialWords: words)
        }

        private mutating func place(
            _ family: MetricFamily,
            _ labelValues: [String],
            isRightKind: Bool,
            expected: String,
            size: Int
        ) -> (offset: Int, isNew: Bool) {
            let labels = MetricLabels(names: family.labelNames, values: labelValues)
            var reasons: [MetricProblem.Reason] = []
            if !isRightKind { reasons.append(.wrongKind(expected: expected)) }
            if labelValues.count != family.labelNames.count {
                reasons.append(.wrongNumberOfLabels(expected: family.labelNames.count, actual: labelValues.count))
            }
            if reasons.isEmpty && families[family.name]?.family != family { reasons = register(family) }
            if reasons.isEmpty, let known = families[family.name]?.offsets[labels] { return (known, false) }
            let offset = words.count
            words.append(contentsOf: repeatElement(0, count: size))
            if reasons.isEmpty {
                families[family.name]?.offsets[labels] = offset
            } else {
                problems += reasons.map { MetricProblem(metric: family.name, reason: $0) }
            }
            return (offset, true)
        }

        private mutating func register(_ family: MetricFamily) -> [MetricProblem.Reason] {
            let own = family.problems.map(\.reason)
            if !own.isEmpty { return own }
            if let owner = family.claimedNames.lazy.compactMap({ [owners] in owners[$0] }).first {
                return [.nameIsTaken(by: owner)]
            }
            for name in family.claimedNames { owners[name] = family.name }
            families[family.name] = (family, [:])
            return []
        }
    }
}
