// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// How fast one peer ends streams: whether the ends around one moment stand out of what is ordinary for it. An
// intermediary that restarts ends its streams at once; a thousand users who leave on their own do not.

/// Counts of one peer's ends in ticks of 10 ms and in whole seconds.
///
/// Bounds: 160 ticks (at least 1.6 s) and 64 seconds that had an end; older ones are overwritten. A mass end
/// therefore costs the same memory as a single one.
struct CloseTempo: Sendable {
    static let tickNanoseconds = 10 * CloseTolerance.millisecond
    private static let ticksKept = 160
    private static let secondsKept = 64

    private struct Tick {
        var number: Int64
        var count = 0
        /// Those that happened when they were seen. An end that a write found is no sign of what happened in its
        /// moment: one event finds all clients that left since the event before.
        var prompt = 0
        var resetStreams = 0
        var earliestOpen: Int64
        var latestOpen: Int64
        var connection: UInt64
        var severalConnections = false
    }

    private struct Second {
        var number: Int64
        var count: Int
    }

    private var ticks: [Tick] = []
    private var seconds: [Second] = []

    /// What ended within 50 ms of one time, to the tick.
    struct Moment: Equatable, Sendable {
        /// Ends that happened in the moment, the judged one included.
        var ends = 0
        /// Those of them that were RST_STREAMs, after which the connection lives on.
        var resetStreams = 0
        /// From the oldest to the youngest stream of them.
        var ageSpread: Int64 = 0
        var severalConnections = false
        /// Ends that a span of this length would see at the peer's ordinary rate.
        var ordinary = 0.0

        /// Whether so many ends in one moment are out of the ordinary.
        var standsOut: Bool {
            let others = ends - 1
            guard others >= 1, Double(others) >= 3 * ordinary else { return false }
            // Beyond 64, threefold is proof enough, and the product below would overflow.
            guard others <= 64 else { return true }
            // P(at least n | Poisson of mean b) <= b^n / n!
            var chance = 1.0
            for step in 1...others { chance *= ordinary / Double(step) }
            return chance < 0.01
        }
    }

    /// Counts one end. Returns how many ends its tick has now.
    mutating func count(_ end: ClosePopulation.End, resetsStream: Bool) -> Int {
        let number = end.at / Self.tickNanoseconds
        let index: Int
        if let known = ticks.lastIndex(where: { $0.number == number }) {
            index = known
        } else {
            if ticks.count >= Self.ticksKept { ticks.removeFirst() }
            index = ticks.count
            ticks.append(
                Tick(number: number, earliestOpen: .max, latestOpen: .min, connection: end.connection)
            )
        }
        ticks[index].count += 1
        guard end.foundLate <= CloseTolerance.prompt else { return ticks[index].count }
        countSecond(end.at / CloseTolerance.second)
        ticks[index].prompt += 1
        ticks[index].resetStreams += resetsStream ? 1 : 0
        ticks[index].earliestOpen = min(ticks[index].earliestOpen, end.opened)
        ticks[index].latestOpen = max(ticks[index].latestOpen, end.opened)
        ticks[index].severalConnections = ticks[index].severalConnections || ticks[index].connection != end.connection
        return ticks[index].count
    }

    /// The moment around `time`, and what would be ordinary: the larger of the rates over the second and the minute
    /// before.
    func moment(around time: Int64) -> Moment {
        let middle = time / Self.tickNanoseconds
        let reach = CloseTolerance.moment / Self.tickNanoseconds
        var moment = Moment()
        var earliest = Int64.max
        var latest = Int64.min
        var connection: UInt64?
        var before = 0
        for tick in ticks {
            if tick.prompt == 0 { continue }
            if abs(tick.number - middle) <= reach {
                moment.ends += tick.prompt
                moment.resetStreams += tick.resetStreams
                earliest = min(earliest, tick.earliestOpen)
                latest = max(latest, tick.latestOpen)
                let other = connection.map { $0 != tick.connection } ?? false
                moment.severalConnections = moment.severalConnections || tick.severalConnections || other
                connection = tick.connection
            } else if tick.number < middle, tick.number >= middle - reach - 100 {
                before += tick.prompt
            }
        }
        moment.ageSpread = earliest <= latest ? latest - earliest : 0
        let second = time / CloseTolerance.second
        let lastMinute = seconds.reduce(0) { $0 + ($1.number < second && $1.number >= second - 60 ? $1.count : 0) }
        let perSecond = max(Double(before), Double(lastMinute) / 60)
        moment.ordinary = perSecond * Double((2 * reach + 1) * Self.tickNanoseconds) / Double(CloseTolerance.second)
        return moment
    }

    private mutating func countSecond(_ number: Int64) {
        if let index = seconds.lastIndex(where: { $0.number == number }) {
            seconds[index].count += 1
            return
        }
        if seconds.count >= Self.secondsKept { seconds.removeFirst() }
        seconds.append(Second(number: number, count: 1))
    }
}
