// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Streams of different ages that end in one moment: somebody restarted, or the way is gone.

extension TimerClassifier {
    /// A shutdown takes nearly all streams that are open with it.
    private static let share = 0.8
    private static let fewest = 3

    /// Takes out the ends that are explained by a moment.
    func takeShutdowns(_ deaths: inout [TimerDeath]) -> [TimerJudgement.Shutdown] {
        var found: [TimerJudgement.Shutdown] = []
        while let together = closedTogether(deaths) {
            let numbers = Set(together.map(\.stream.number))
            deaths.removeAll { numbers.contains($0.stream.number) }
            found.append(
                .init(at: together[0].moment.upperBound, streams: together.count, isSilent: false))
        }
        if let shutdown = silenceOfAll(deaths) {
            deaths.removeAll { $0.isSilent }
            found.append(shutdown)
        }
        return found.sorted { $0.at < $1.at }
    }

    private func closedTogether(_ deaths: [TimerDeath]) -> [TimerDeath]? {
        let sorted = deaths.filter { !$0.isSilent }.sorted { $0.moment.upperBound < $1.moment.upperBound }
        for first in sorted {
            let start = first.moment.upperBound
            let together = sorted.filter { (0...Self.moment).contains($0.moment.upperBound - start) }
            let open = streams.count { $0.opened < start - Self.moment && $0.until >= start }
            let ages = together.map(\.stream.age)
            guard together.count >= Self.fewest, Double(together.count) >= Self.share * Double(open),
                let young = ages.min(), let old = ages.max(), old - young > 2 * Self.moment
            else { continue }
            // A hop that looks at its timers once a second ends streams together too, but others at that age before.
            let slack = TimerCluster.width(at: old)
            let alike = sorted.count {
                start - $0.moment.upperBound > slack / 2 && ((young - slack)...(old + slack)).contains($0.stream.age)
            }
            if alike >= together.count { continue }
            return together
        }
        return nil
    }

    /// All beating streams fell silent, at one moment and not at one age.
    private func silenceOfAll(_ deaths: [TimerDeath]) -> TimerJudgement.Shutdown? {
        let silent = deaths.filter(\.isSilent)
        let beating = streams.count { $0.interval != nil && $0.isOpen }
        guard silent.count >= Self.fewest, Double(silent.count) >= Self.share * Double(beating),
            let from = silent.map(\.moment.lowerBound).max(), let to = silent.map(\.moment.upperBound).min(),
            let old = silent.map(\.age.lowerBound).max(), let young = silent.map(\.age.upperBound).min(),
            from - to <= 2 * Self.moment, old - young > from - to
        else { return nil }
        return .init(at: (from + to) / 2, streams: silent.count, isSilent: true)
    }
}
