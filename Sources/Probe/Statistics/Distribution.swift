// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Figures of a set of values, all of which are kept: percentiles are exact, and interpolated as numpy does by default
/// (Hyndman and Fan's type 7). For counts beyond memory there is the histogram of the load generator.
public struct Distribution: Sendable, Hashable {
    /// Ascending.
    public let sorted: [Double]
    public let mean: Double
    /// Of the sample: with n − 1. 0 for a single value.
    public let standardDeviation: Double

    /// - Parameter values: in any order; not numbers are left out. Nil without any.
    public init?(_ values: some Sequence<Double>) {
        let sorted = values.filter { !$0.isNaN }.sorted()
        guard !sorted.isEmpty else { return nil }
        self.sorted = sorted
        let count = Double(sorted.count)
        let mean = sorted.reduce(0, +) / count
        self.mean = mean
        let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        standardDeviation = sorted.count > 1 ? (squares / (count - 1)).squareRoot() : 0
    }

    public var count: Int { sorted.count }
    public var minimum: Double { sorted[0] }
    public var maximum: Double { sorted[sorted.count - 1] }
    public var median: Double { percentile(50) }

    /// - Parameter percent: 0 to 100; beyond is clamped.
    public func percentile(_ percent: Double) -> Double {
        let position = Double(sorted.count - 1) * min(max(percent, 0), 100) / 100
        let below = Int(position.rounded(.down))
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
    }

    /// The mean distance from the mean.
    public var meanAbsoluteDeviation: Double {
        sorted.reduce(0) { $0 + abs($1 - mean) } / Double(sorted.count)
    }

    /// The median distance from the median.
    public var medianAbsoluteDeviation: Double {
        let centre = median
        return Distribution(sorted.map { abs($0 - centre) })?.median ?? 0
    }
}
