// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Tells from the ends of held streams which timers ended them. Pure: the same streams give the same judgement.
///
/// An idle timer ends streams at one silence whatever their age, a maximum lifetime at one age whatever their silence, a
/// shutdown at one moment whatever both. What streams *lived through* rules out the rest: a silence that bytes ended
/// was shorter than any idle timer, and an age at which bytes came is below any lifetime.
public struct TimerClassifier {
    let streams: [HeldStream]
    /// Ends in one moment come this close together.
    static let moment = 0.25

    public init(_ streams: [HeldStream]) {
        self.streams = streams
    }

    public func judge() -> TimerJudgement {
        var judgement = TimerJudgement()
        var deaths = streams.compactMap(TimerDeath.init)
        let connections = takeConnectionIdle(&deaths)
        judgement.shutdowns = takeShutdowns(&deaths)
        let pauses = provenPause(besideConnections: !connections.isEmpty)
        judgement.idle.survived = pauses
        judgement.lifetime.survived = streams.map { $0.isSilent ? $0.provenAge : $0.age }.max() ?? 0

        judgeLifetime(&judgement, &deaths, pauses: pauses)
        judgeIdle(&judgement, &deaths, connections: connections, pauses: pauses)
        judgement.scope = scope(of: judgement, connections: connections)
        judgement.unexplained = deaths.map(\.stream)
        return judgement
    }

    /// The longest silence that bytes ended. With an idle timer on a whole connection, only of streams that had theirs
    /// to themselves.
    private func provenPause(besideConnections: Bool) -> Double {
        streams.lazy.filter { !besideConnections || $0.originConnection == nil }.map(\.longestPause).max() ?? 0
    }

    // MARK: Lifetime

    private func judgeLifetime(_ judgement: inout TimerJudgement, _ deaths: inout [TimerDeath], pauses: Double) {
        let isIdle: (TimerDeath) -> Bool = { !$0.isInterval && $0.idle > pauses + max(0.1, pauses / 100) }
        let candidates = deaths.filter { !isIdle($0) && !fitsSilentIdle($0, among: deaths, pauses: pauses) }
        guard let cluster = lifetimeCluster(candidates) else {
            judgement.lifetime.status = streams.isEmpty ? .unknown : .noneSeen
            return
        }
        let hows = Set(cluster.deaths.map(\.how))
        let bounds = (cluster.lowest - 0.1)...(cluster.highest + TimerCluster.width(at: cluster.highest) / 2)
        let all = cluster.deaths + deaths.filter { isIdle($0) && bounds.contains($0.age.upperBound) && hows.contains($0.how) }
        let numbers = Set(all.map(\.stream.number))
        deaths.removeAll { numbers.contains($0.stream.number) }
        let moments = all.map(\.moment.upperBound)
        let momentSpread = (moments.max() ?? 0) - (moments.min() ?? 0)
        let exact = all.filter { !$0.isInterval }
        judgement.lifetimeIsServers = all.allSatisfy { $0.how == .complete }
        judgement.lifetimeWaitsForWrites = exact.isEmpty && !all.contains(where: \.isSilent)
        judgement.lifetime.status = .found
        judgement.lifetime.streams = all.map(\.stream)
        judgement.lifetime.isSilent = all.contains(where: \.isSilent)
        let range = Self.lifetimeRange(all, exact: exact)
        judgement.lifetime.range = range
        judgement.lifetime.seconds = judgement.lifetimeIsServers ? range.upperBound : Self.estimate(exact, in: range)
        judgement.lifetime.confidence =
            all.count >= 3 && momentSpread > max(0.5, cluster.spread) ? .high : all.count >= 2 ? .medium : .low
    }

    private static func lifetimeRange(_ all: [TimerDeath], exact: [TimerDeath]) -> ClosedRange<Double> {
        let ages = exact.map(\.age.upperBound)
        if let low = ages.min(), let high = ages.max() { return low...high }
        // The narrowest that all allow.
        let low = all.map(\.age.lowerBound).max() ?? 0
        let high = all.map(\.age.upperBound).min() ?? 0
        return min(low, high)...max(low, high)
    }

    private static func estimate(_ exact: [TimerDeath], in range: ClosedRange<Double>) -> Double {
        guard !exact.isEmpty else { return (range.lowerBound + range.upperBound) / 2 }
        return TimerCluster(deaths: exact, values: exact.map(\.age.upperBound).sorted()).estimate
    }

    /// Ends at one age that no stream outlived.
    private func lifetimeCluster(_ candidates: [TimerDeath]) -> TimerCluster? {
        let oldest = streams.map(\.provenAge).max() ?? 0
        let within = candidates.filter { $0.age.upperBound + max(1.3, oldest * 0.15) >= oldest }
        // What a write finds late is as old as its next write: those that beat slower say less.
        let quickest = within.map(Self.slack).min() ?? 0
        let sharp = within.filter { Self.slack($0) <= max(1.3, quickest) }
        guard let narrow = TimerCluster.largest(of: sharp, by: \.age.upperBound) else { return nil }
        var cluster = narrow
        // Servers that end streams themselves spread them, so that not all come back at once.
        if narrow.deaths.count < sharp.count,
            let wide = TimerCluster.largest(of: sharp, by: \.age.upperBound, width: { $0 * 0.15 })
        {
            cluster = wide
        }
        guard oldest <= cluster.highest + max(0.3, cluster.highest / 100) else { return nil }
        let late = within.filter { death in
            Self.slack(death) > max(1.3, quickest)
                && death.age.lowerBound <= cluster.highest + 0.3 && death.age.upperBound >= cluster.lowest - 0.3
        }
        return TimerCluster(deaths: cluster.deaths + late, values: cluster.values)
    }

    private static func slack(_ death: TimerDeath) -> Double { death.age.upperBound - death.age.lowerBound }
}
