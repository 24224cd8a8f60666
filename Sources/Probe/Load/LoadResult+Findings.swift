// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What a reader of a load test should know: faults of the server, and limits of the figures.
extension LoadResult {
    static func findings(_ outcome: LoadRun.Outcome) -> [Finding] {
        guard outcome.failure == nil else { return [] }
        return defects(outcome) + limits(outcome)
    }

    private static func defects(_ outcome: LoadRun.Outcome) -> [Finding] {
        let counts = outcome.sums.counts
        var findings: [Finding] = []
        for (count, what) in [
            (counts.lost, "were lost on open streams"), (counts.duplicated, "came twice"),
            (counts.reordered, "came after a later one"),
            (counts.stale, "came so late that they may be duplicates or out of order"),
        ] where count > 0 {
            findings.append(Finding(.problem, "\(count) events \(what)"))
        }
        if counts.gaps > 0 {
            findings.append(
                Finding(
                    .warning, "the server said \(counts.gaps) times that a stream misses events (gap)",
                    advice: "streams fell behind what the server keeps: look at its slow consumers and its log size"))
        }
        for (cause, entry) in counts.failures.entries.sorted(by: { $0.value.count > $1.value.count }) {
            findings.append(
                Finding(.problem, "\(entry.count) openings failed (\(cause.name)): \(entry.example)"))
        }
        for (cause, entry) in counts.ends.entries.sorted(by: { $0.value.count > $1.value.count })
        where cause != .dropped {
            findings.append(
                Finding(.warning, "\(entry.count) open streams ended (\(cause.name)): \(entry.example)"))
        }
        return findings
    }

    private static func limits(_ outcome: LoadRun.Outcome) -> [Finding] {
        let (plan, sums) = (outcome.plan, outcome.sums)
        var findings: [Finding] = []
        if sums.underWay > 0 {
            findings.append(
                Finding(
                    .warning, "\(sums.underWay) openings had no answer yet at the end, and are in no percentile",
                    advice: "a longer --duration lets them end"))
        }
        let busiest = outcome.hold.seconds > 0 ? outcome.hold.cpuSeconds / outcome.hold.seconds : 0
        if busiest > 0.9 * Double(plan.loops) {
            findings.append(
                Finding(
                    .warning, "this process was busy: latencies include its own queues",
                    advice: "--loops \(plan.loops + 1), or fewer streams"))
        }
        if !outcome.knowsClock {
            findings.append(
                Finding(
                    .note, "the publisher's clock is unknown, so there is no delivery latency",
                    advice: "Headwater tells its clock at /time"))
        } else if sums.counts.events > 0, sums.counts.untimed == sums.counts.events {
            findings.append(
                Finding(.note, "the events carry no \"ts\", so there is no delivery latency"))
        }
        if sums.counts.events > 0, sums.counts.unnumbered == sums.counts.events {
            findings.append(
                Finding(
                    .note, "the events carry no \"seq\" and no id that ends in a number: losses cannot be counted"))
        }
        if sums.counts.early > 0 {
            findings.append(
                Finding(.note, "\(sums.counts.early) events arrived before their publish time and count as 0"))
        }
        return findings
    }
}
