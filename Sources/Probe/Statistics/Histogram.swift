// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Counts in bins of equal width over the middle 99 % of the values; what lies further out is counted at the two ends,
/// so that one outlier does not squeeze all others into one bin. For pictures; percentiles come from ``Distribution``.
public struct Histogram: Encodable, Sendable, Equatable {
    /// Where the first bin begins.
    public let lowerMs: Double
    /// Of each bin; the first value of a bin belongs to it.
    public let widthMs: Double
    public let counts: [Int]
    /// Values below the first bin and above the last.
    public let below, above: Int

    static let mostBins = 60

    /// Bins by the rule of Freedman and Diaconis (1981): twice the interquartile range over the cube root of n, no more
    /// than `mostBins` of them.
    init(_ distribution: Distribution) {
        let count = distribution.count
        // Below a few hundred values 99 % are all of them.
        let lower = count < 200 ? distribution.minimum : distribution.percentile(0.5)
        let upper = count < 200 ? distribution.maximum : distribution.percentile(99.5)
        guard upper - lower > Double.ulpOfOne * abs(upper), upper - lower < 1e15 else {
            let (below, above) = distribution.sorted.reduce(into: (0, 0)) { ends, value in
                if value < lower { ends.0 += 1 } else if value > lower { ends.1 += 1 }
            }
            (lowerMs, widthMs, counts) = (lower, 0, [count - below - above])
            (self.below, self.above) = (below, above)
            return
        }
        let spread = distribution.percentile(75) - distribution.percentile(25)
        let ideal = 2 * spread / cbrt(Double(count))
        let wanted = ideal > 0 ? min((upper - lower) / ideal, Double(Self.mostBins)) : Double(Self.mostBins)
        let bins = max(1, Int(wanted.rounded(.up)))
        let width = (upper - lower) / Double(bins)
        var counts = [Int](repeating: 0, count: bins)
        var (below, above) = (0, 0)
        for value in distribution.sorted {
            if value < lower {
                below += 1
            } else if value > upper {
                above += 1
            } else {
                counts[Int(min(Double(bins - 1), (value - lower) / width))] += 1
            }
        }
        (lowerMs, widthMs, self.counts) = (lower, width, counts)
        (self.below, self.above) = (below, above)
    }
}
