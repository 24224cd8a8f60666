// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Did an idle timer end the streams, at which silence, and whose silence does it watch?

extension TimerClassifier {
    /// One connection to the origin that ended, with its streams, when all of them had been silent.
    struct ConnectionDeath {
        let deaths: [TimerDeath]
        /// Since the last bytes on any of its streams.
        let silence: Double
    }

    func judgeIdle(
        _ judgement: inout TimerJudgement,
        _ deaths: inout [TimerDeath],
        connections: [ConnectionDeath],
        pauses: Double
    ) {
        if !connections.isEmpty { return judgeConnections(&judgement, connections) }
        let candidates = deaths.filter { !$0.isInterval && Self.exceeds($0.idle, pauses) }
        guard let cluster = TimerCluster.largest(of: candidates, by: \.idle), isNotRefuted(cluster) else {
            return judgeWithoutEnds(&judgement, &deaths, pauses: pauses)
        }
        let value = cluster.estimate
        judgement.idle.status = .found
        judgement.idle.seconds = value
        judgement.idle.range = cluster.lowest...cluster.highest
        judgement.idle.streams = cluster.deaths.map(\.stream)
        judgement.idleIsOutlived = streams.contains { $0.provenAge > value * 1.05 + 0.3 }
        let ages = cluster.deaths.map(\.stream.age)
        let scatter = (ages.max() ?? 0) - (ages.min() ?? 0)
        let isSettled = judgement.idleIsOutlived || scatter > max(1, value / 10)
        judgement.idle.isAmbiguous = !isSettled
        judgement.idle.confidence =
            switch (cluster.deaths.count, isSettled) {
            case (3..., true): .high
            case (2..., true), (3..., false): .medium
            default: .low
            }
        let width = TimerCluster.width(at: cluster.highest)
        deaths.removeAll { abs($0.idle - value) <= width && !$0.isSilent }
    }

    /// Fewer streams lived through longer silences than were ended for theirs.
    private func isNotRefuted(_ cluster: TimerCluster) -> Bool {
        2 * streams.count { $0.longestPause > cluster.estimate + 0.1 } < cluster.deaths.count
            || streams.allSatisfy { $0.longestPause <= cluster.lowest }
    }

    /// No stream was ended for its silence: because bytes stayed away, because none lived long enough, or because there
    /// is no such timer.
    private func judgeWithoutEnds(_ judgement: inout TimerJudgement, _ deaths: inout [TimerDeath], pauses: Double) {
        let silent = deaths.filter { fitsSilentIdle($0, among: deaths, pauses: pauses) }
        if let first = silent.compactMap(\.stream.interval).min() {
            judgement.idle.status = .found
            judgement.idle.isSilent = true
            let latest = first + TimerDeath.uneven
            judgement.idle.range = min(pauses, latest)...latest
            judgement.idle.seconds = (min(pauses, latest) + latest) / 2
            judgement.idle.streams = silent.map(\.stream)
            judgement.idleIsOutlived = true
            let isNarrow = first - pauses <= max(0.3, first * 0.03)
            judgement.idle.confidence = isNarrow && silent.count >= 3 ? .high : silent.count >= 2 ? .medium : .low
            let numbers = Set(silent.map(\.stream.number))
            deaths.removeAll { numbers.contains($0.stream.number) }
            return
        }
        guard !streams.isEmpty else { return }
        let endsSilent = judgement.lifetime.status == .found && !judgement.lifetimeWaitsForWrites
        judgement.idle.status = endsSilent ? .outOfReach : .noneSeen
        // Whom the lifetime cut was still there until then, however silent.
        let cut = judgement.lifetime.streams.filter { !$0.isSilent }.map(\.silence).max() ?? 0
        judgement.idle.survived = max(pauses, cut)
        judgement.idle.confidence = .high
    }

    /// Bytes that are due after a longer silence than any that was survived stay away, while others come.
    func fitsSilentIdle(_ death: TimerDeath, among deaths: [TimerDeath], pauses: Double) -> Bool {
        guard death.isSilent, let interval = death.stream.interval, Self.exceeds(interval, pauses) else {
            return false
        }
        return streams.contains {
            $0.lastArrival > death.moment.upperBound && $0.provenAge > death.age.upperBound
        }
    }

    // MARK: Connections

    /// Takes out the ends of quiet streams that end together because their connection to the origin does.
    func takeConnectionIdle(_ deaths: inout [TimerDeath]) -> [ConnectionDeath] {
        var found: [ConnectionDeath] = []
        let byConnection = Dictionary(grouping: deaths) { $0.stream.originConnection }
        for case (let connection?, let ended) in byConnection where ended.count >= 2 {
            let all = streams.filter { $0.originConnection == connection }
            guard all.allSatisfy({ $0.role == .quiet }), all.count == ended.count,
                let first = ended.map(\.moment.upperBound).min(), let last = ended.map(\.moment.upperBound).max(),
                last - first <= Self.moment, let written = all.map(\.lastArrival).max(), first - written > 0.5
            else { continue }
            found.append(ConnectionDeath(deaths: ended, silence: first - written))
            deaths.removeAll { $0.stream.originConnection == connection }
        }
        return found.sorted { $0.silence < $1.silence }
    }

    private func judgeConnections(_ judgement: inout TimerJudgement, _ connections: [ConnectionDeath]) {
        let silences = connections.map(\.silence)
        let value = silences[0]
        let agreeing = silences.filter { $0 - value <= TimerCluster.width(at: value) }
        judgement.idle.status = .found
        judgement.idle.seconds = value
        judgement.idle.range = value...(agreeing.last ?? value)
        judgement.idle.streams = connections.flatMap { $0.deaths.map(\.stream) }
        let outlived = streams.contains { isAccompanied($0, within: value) && $0.silence > value * 1.25 }
        judgement.idleIsOutlived = outlived
        judgement.idle.isAmbiguous = agreeing.count < 2
        judgement.idle.confidence =
            agreeing.count >= 2 ? (outlived ? .high : .medium) : (outlived ? .medium : .low)
    }

    // MARK: Scope

    func scope(of judgement: TimerJudgement, connections: [ConnectionDeath]) -> TimerJudgement.Scope? {
        guard let value = judgement.idle.seconds, !judgement.idle.isSilent else { return nil }
        if !connections.isEmpty { return .connection }
        if judgement.idle.streams.contains(where: { isAccompanied($0, within: value) }) { return .stream }
        return streams.contains { isAccompanied($0, within: value) && $0.silence > value * 1.25 } ? .connection : nil
    }

    /// Whether bytes of other streams came on one of a silent stream's connections all the time.
    private func isAccompanied(_ stream: HeldStream, within limit: Double) -> Bool {
        streams.contains { other in
            guard other.number != stream.number, let interval = other.interval, interval < limit / 2 else {
                return false
            }
            let isShared =
                (other.clientConnection != nil && other.clientConnection == stream.clientConnection)
                || (other.originConnection != nil && other.originConnection == stream.originConnection)
            return isShared && other.opened < stream.lastArrival + limit / 2
                && other.lastArrival > stream.until - limit / 2
        }
    }
}
