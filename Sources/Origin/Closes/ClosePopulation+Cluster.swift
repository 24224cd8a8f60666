// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Whether the ends of a peer gather at one value of idle time or of age: the mark of a timer.
//
// What separates a timer from clients that leave on their own:
// - Ends of one moment, and ends that follow one common write (or one common opening), say one thing once, however
//   many they are. A thousand browsers that are closed by one deploy all have the same idle time on a channel that
//   sent to all of them at once. Only *independent* ends are counted.
// - A client that leaves at a time unrelated to our writes has an idle time whose density never rises: being idle for
//   longer implies having been idle for less. So ends at one value are compared with the ends *below* it, down to
//   half of it, and the number of gatherings to be expected there by coincidence must be small. Three ends within
//   milliseconds of each other pass among a few others; three within a second of each other, among a hundred
//   scattered ones, do not.

extension ClosePopulation {
    /// Ends that gather at one value.
    struct Cluster: Sendable {
        /// The lowest value: timers fire late, not early.
        var value: Int64
        /// From the lowest to the highest value.
        var spread: Int64
        /// How many such gatherings to expect by coincidence.
        var chance: Double
        /// Independent ends, the judged one included.
        var members: [End]

        /// How far the members lie apart by another measure.
        func spread(of measure: (End) -> Int64) -> Int64 {
            let values = members.map(measure)
            guard let low = values.min(), let high = values.max() else { return 0 }
            return high - low
        }

        /// Whether the members differ so much by another measure that it cannot be what they have in common.
        func scattered(by measure: (End) -> Int64) -> Bool {
            spread(of: measure) >= max(CloseTolerance.moment, 3 * spread)
        }
    }

    /// What ends are compared by.
    struct Measure: Sendable {
        /// The value that a timer would make equal.
        var value: @Sendable (End) -> Int64
        /// The time from which that timer would run; ends that share it are not independent.
        var start: @Sendable (End) -> Int64

        static let idle = Measure(value: { $0.idle }, start: { $0.lastWrite })
        static let eventIdle = Measure(value: { $0.eventIdle }, start: { $0.lastEvent })
        static let age = Measure(value: { $0.age }, start: { $0.opened })
    }

    /// Fewer ends at one value are no population.
    static let fewestEnds = 3

    /// Fewer peers at one value are no population across peers.
    static let fewestPeers = 5

    /// A gathering counts when fewer than this many like it are to be expected by coincidence.
    static let coincidence = 0.005

    /// Independent ends looked at around one value. More would not make a verdict surer.
    private static let mostMembers = 48

    /// The least coincidental gathering that contains `judged`, if it is one by which a timer can be known.
    ///
    /// - Parameters:
    ///   - ends: What to compare with; may contain `judged`.
    ///   - slack: By how much more than a timer's own lateness an end may be found late.
    ///   - width: Replaces the timer's own lateness, for values that were taken across peers.
    static func cluster(
        of judged: End,
        among ends: [End],
        by measure: Measure,
        slack: Int64 = 0,
        width: Int64? = nil,
        fewest: Int = fewestEnds
    ) -> Cluster? {
        let value = measure.value(judged)
        guard value >= CloseTolerance.shortestTimer else { return nil }
        let reach = slack + (width ?? CloseTolerance.early + CloseTolerance.late(value))
        let found = independent(of: judged, among: ends, by: measure, within: reach, fewest: fewest)
        guard let (members, all) = found else { return nil }
        let sorted = members.sorted { measure.value($0) < measure.value($1) }
        let values = sorted.map(measure.value)

        var best: (chance: Double, range: ClosedRange<Int>)?
        for low in values.indices where values[low] <= value {
            let late = slack + (width ?? CloseTolerance.early + CloseTolerance.late(values[low]))
            let floor = values[low] / 2
            let outside = all.count(from: floor, below: values[low])
            for high in values.indices where values[high] >= value && high - low + 1 >= fewest {
                let spread = values[high] - values[low]
                guard spread <= late else { break }
                let chance = expectedGatherings(
                    of: high - low + 1,
                    among: high - low + 1 + outside,
                    share: Double(max(spread, CloseTolerance.early, slack)) / Double(values[high] - floor)
                )
                if chance < best?.chance ?? coincidence { best = (chance, low...high) }
            }
        }
        guard let (chance, range) = best else { return nil }
        let cluster = Cluster(
            value: values[range.lowerBound],
            spread: values[range.upperBound] - values[range.lowerBound],
            chance: chance,
            members: Array(sorted[range])
        )
        return standsOut(cluster, among: all, late: reach) ? cluster : nil
    }

    /// The judged end and those nearest to its value of which no two share a moment or a start, and the sorted values
    /// of all ends but the judged one and those that only echo one of the members; `nil` if there are too few members.
    private static func independent(
        of judged: End,
        among ends: [End],
        by measure: Measure,
        within reach: Int64,
        fewest: Int
    ) -> (members: [End], all: [Int64])? {
        let value = measure.value(judged)
        var others = ends.filter { $0.stream != judged.stream }
        let firstNear = others.partition { abs(measure.value($0) - value) <= reach }
        // When everybody leaves at once, nearly all of them echo the judged one, and it ends here: nothing is sorted.
        let firstEcho = others[firstNear...].partition { isEcho($0, of: judged, by: measure) }
        guard firstEcho - firstNear + 1 >= fewest else { return nil }
        others[firstNear..<firstEcho].sort { abs(measure.value($0) - value) < abs(measure.value($1) - value) }
        var members = [judged]
        var all = others[..<firstNear].map(measure.value)
        for end in others[firstNear..<firstEcho] {
            let hasRoom = members.count < mostMembers
            if hasRoom, members.contains(where: { isEcho(end, of: $0, by: measure) }) { continue }
            if hasRoom { members.append(end) }
            all.append(measure.value(end))
        }
        guard members.count >= fewest else { return nil }
        all.sort()
        return (members, all)
    }

    /// Whether two ends say one thing once.
    private static func isEcho(_ end: End, of other: End, by measure: Measure) -> Bool {
        abs(end.at - other.at) <= CloseTolerance.moment
            || abs(measure.start(end) - measure.start(other)) <= CloseTolerance.moment
    }

    /// How many gatherings of `size` within `share` of the range to expect of `count` ends that are spread evenly
    /// over it: count · C(count − 1, size − 1) · share^(size − 1), the union bound of the scan statistic.
    private static func expectedGatherings(of size: Int, among count: Int, share: Double) -> Double {
        // What fills a third of the range in which it could lie gathers at no value.
        guard share <= 1 / 3 else { return .infinity }
        var expected = Double(count)
        for step in 1..<size { expected *= Double(count - step) * share / Double(step) }
        return expected
    }

    /// Whether the gathering is out of the ordinary beside the values right below and above it as well: a density may
    /// rise in other ways than by a timer, ages do around a visit's usual length.
    private static func standsOut(_ cluster: Cluster, among all: [Int64], late: Int64) -> Bool {
        let top = cluster.value + cluster.spread
        let below = all.count(from: cluster.value - late, below: cluster.value)
        let above = all.count(from: top + 1, below: top + 1 + late)
        let beside = Double(max(below, above))
        let ordinary = beside * min(1, Double(max(cluster.spread, CloseTolerance.early)) / Double(max(late, 1)))
        guard Double(cluster.members.count) >= 3 * ordinary else { return false }
        var expected = beside + Double(cluster.members.count)
        for step in 1..<cluster.members.count { expected *= ordinary / Double(step) }
        return expected < coincidence
    }
}

extension [Int64] {
    /// Elements of a sorted array in a half-open range.
    fileprivate func count(from low: Int64, below high: Int64) -> Int {
        let first = partition { $0 >= low }
        return Swift.max(0, partition { $0 >= high } - first)
    }

    /// The first index of a sorted array from which on `condition` holds.
    private func partition(where condition: (Int64) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
