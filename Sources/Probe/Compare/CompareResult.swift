// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What `probe compare` found: each path by itself, and each pair of paths event by event.
public struct CompareResult: ProbeResult {
    public static let command = "compare"

    public let paths: [PathSummary]
    /// Each path against each that was named after it.
    public let pairs: [PathPair]

    /// Two arrivals that close are a tie: both times are taken when a read returns, and reads of two sockets that are
    /// readable at once come this far apart.
    public static let resolutionMs = 0.05

    public init(_ outcome: Measurement.Outcome) {
        let snapshot = outcome.snapshot
        paths = outcome.paths.enumerated().map { index, path in
            PathSummary(path: path, index: index, snapshot: snapshot, clock: outcome.clocks[index])
        }
        let samples = Dictionary(grouping: snapshot.samples.filter { $0.stream == 0 }, by: \.path)
        var pairs: [PathPair] = []
        for a in paths.indices {
            for b in paths.indices where b > a {
                pairs.append(
                    PathPair(
                        names: (paths[a].name, paths[b].name), a: samples[a] ?? [], b: samples[b] ?? [],
                        resolution: Self.resolutionMs))
            }
        }
        self.pairs = pairs
    }

    public var measures: [Measure] { paths.flatMap(\.measures) + pairs.flatMap(\.measures) }

    public var findings: [Finding] {
        // Next to a path that did not work, nothing in common is no news.
        let silent = Set(paths.filter { $0.events == 0 }.map(\.name))
        return paths.flatMap(\.findings)
            + pairs.filter { !silent.contains($0.a) && !silent.contains($0.b) }.flatMap(\.findings)
    }

    public var exit: ProbeExit { paths.map(\.exit).first { $0 != .success } ?? .success }
}

extension PathPair {
    /// Under the name `a-b`.
    var measures: [Measure] {
        let name = "\(a)-\(b)"
        var measures = [
            Measure("unmatched", path: name, Double(onlyA + onlyB), .count),
            Measure("altered", path: name, Double(altered), .count),
        ]
        if let meanMs { measures.append(Measure("delta_mean", path: name, meanMs, .milliseconds)) }
        if let medianMs { measures.append(Measure("delta", path: name, medianMs, .milliseconds)) }
        return measures
    }

    var findings: [Finding] {
        var findings: [Finding] = []
        if matched == 0 {
            findings.append(
                Finding(
                    .warning, path: "\(a), \(b)", "no event came on both paths",
                    advice: "check that both URLs name the same channel with the same parameters"))
        }
        if altered > 0 {
            findings.append(
                Finding(
                    .problem, path: "\(a), \(b)",
                    "\(altered) events have another content on one path than on the other",
                    advice: "look for an intermediary that rewrites bodies"))
        }
        if onlyA > 0 { findings.append(Self.missing(onlyA, on: b, but: a)) }
        if onlyB > 0 { findings.append(Self.missing(onlyB, on: a, but: b)) }
        return findings
    }

    private static func missing(_ count: Int, on path: String, but other: String) -> Finding {
        Finding(.problem, path: path, "\(count) events that came on \(other) did not come here")
    }
}
