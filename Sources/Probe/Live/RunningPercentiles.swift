// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Percentiles of what has come so far, in bounded memory and without a sort, for a view that is redrawn five times a
/// second: values are counted in bins whose bounds are 2 % apart. Reports use ``Distribution``, which is exact.
public struct RunningPercentiles: Sendable {
    /// Bins for 0.1 µs to 28 hours in milliseconds; what is below, also a negative latency, is in the first.
    private var counts = [Int](repeating: 0, count: Self.bins)
    public private(set) var count = 0

    private static let lowest = 1e-4
    private static let ratio = log(1.02)
    private static let bins = 1_400

    public init() {}

    /// - Parameter milliseconds: not a number is left out.
    public mutating func add(_ milliseconds: Double) {
        guard !milliseconds.isNaN else { return }
        let place = milliseconds <= Self.lowest ? 0 : log(milliseconds / Self.lowest) / Self.ratio
        counts[Int(min(place, Double(Self.bins - 1)))] += 1
        count += 1
    }

    /// Within 1 % of the exact one; nil without any values.
    public func value(atPercentile percent: Double) -> Double? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((Double(count) * percent / 100).rounded(.up)))
        var sum = 0
        for (place, number) in counts.enumerated() {
            sum += number
            if sum >= rank { return place == 0 ? 0 : Self.lowest * exp(Self.ratio * (Double(place) + 0.5)) }
        }
        return nil
    }
}
