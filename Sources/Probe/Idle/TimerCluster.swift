// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Values that agree as far as a timer lets them: one timer's.
struct TimerCluster: Sendable {
    let deaths: [TimerDeath]
    /// The values, of intervals the upper bound, in ascending order.
    let values: [Double]

    var lowest: Double { values.first ?? 0 }
    var highest: Double { values.last ?? 0 }
    var spread: Double { highest - lowest }

    /// Some hops look at their timers once a second, and their ends come up to so much later.
    static let coarse = 1.3
    /// How far apart the ends of one timer are.
    static func width(at value: Double) -> Double { max(coarse, value * 0.03) }

    /// The least that a value of the same timer can be. Values that lie apart are of a timer that is looked at now and
    /// then, so that an earlier one is as likely as these were.
    var earliest: Double { spread > 0.1 ? min(lowest - 0.1, highest - Self.coarse) : lowest - 0.1 }

    /// The largest set of deaths whose values lie within `width` of each other.
    static func largest(
        of deaths: [TimerDeath],
        by value: (TimerDeath) -> Double,
        width: (Double) -> Double = Self.width
    ) -> TimerCluster? {
        let sorted = deaths.sorted { value($0) < value($1) }
        var best = 0..<0
        var start = 0
        for end in sorted.indices {
            while value(sorted[end]) - value(sorted[start]) > width(value(sorted[start])) { start += 1 }
            if end + 1 - start > best.count { best = start..<(end + 1) }
        }
        guard !best.isEmpty else { return nil }
        return TimerCluster(deaths: Array(sorted[best]), values: sorted[best].map(value))
    }

    /// What the timer is set to. Where half of the values lie close together that is it, and the rest is jitter: bytes
    /// that were read late make a silence look short, ends that were read late make it look long. Values that lie apart
    /// are those of a timer that is looked at now and then: it fires late and never early, so the earliest is nearest.
    var estimate: Double {
        guard values.count > 2 else { return lowest }
        let half = (values.count + 1) / 2
        let windows = (0...(values.count - half)).map { values[$0..<($0 + half)] }
        func width(_ window: ArraySlice<Double>) -> Double { (window.last ?? 0) - (window.first ?? 0) }
        guard let closest = windows.min(by: { width($0) < width($1) }), width(closest) <= max(0.1, lowest * 0.002)
        else {
            return lowest
        }
        return closest[closest.startIndex + closest.count / 2]
    }
}
