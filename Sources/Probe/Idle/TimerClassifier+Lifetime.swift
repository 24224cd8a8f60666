// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Did a maximum lifetime end the streams, and at which age?

extension TimerClassifier {
    func judgeLifetime(_ judgement: inout TimerJudgement, _ deaths: inout [TimerDeath], pauses: Double) {
        let isIdle: (TimerDeath) -> Bool = { !$0.isInterval && Self.exceeds($0.idle, pauses) }
        let candidates = deaths.filter { !isIdle($0) && !fitsSilentIdle($0, among: deaths, pauses: pauses) }
        guard let cluster = lifetimeCluster(candidates) else {
            judgement.lifetime.status = streams.isEmpty ? .unknown : .noneSeen
            return
        }
        let hows = Set(cluster.deaths.map(\.how))
        // Silent streams of that age that ended the same way. A server that ends streams itself does so over a range.
        let isServers = hows == [.complete]
        let youngest = isServers ? cluster.highest * (1 - Self.jitter) : cluster.earliest
        let oldest =
            isServers
            ? cluster.lowest * (1 + Self.jitter) : cluster.highest + TimerCluster.width(at: cluster.highest) / 2
        let all =
            cluster.deaths
            + deaths.filter { isIdle($0) && (youngest...oldest).contains($0.age.upperBound) && hows.contains($0.how) }
        let numbers = Set(all.map(\.stream.number))
        deaths.removeAll { numbers.contains($0.stream.number) }
        let moments = all.map(\.moment.upperBound)
        let momentSpread = (moments.max() ?? 0) - (moments.min() ?? 0)
        let exact = all.filter { !$0.isInterval }
        judgement.lifetimeIsServers = isServers
        // Streams that nothing was due on live on beyond that age.
        judgement.lifetimeWaitsForWrites =
            exact.isEmpty && !all.contains(where: \.isSilent)
            && streams.contains { $0.role == .quiet && $0.age > cluster.highest + 0.5 }
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
        let within = candidates.filter { $0.age.upperBound + max(1.3, oldest * Self.jitter) >= oldest }
        // What a write finds late is as old as its next write: those that beat slower say less.
        let quickest = within.map(Self.slack).min() ?? 0
        let sharp = within.filter { Self.slack($0) <= max(1.3, quickest) }
        guard let narrow = TimerCluster.largest(of: sharp, by: \.age.upperBound) else { return nil }
        var cluster = narrow
        if narrow.deaths.count < sharp.count,
            let wide = TimerCluster.largest(of: sharp, by: \.age.upperBound, width: { $0 * Self.jitter })
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
