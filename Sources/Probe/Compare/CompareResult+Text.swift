// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The comparison for people: a table of paths, a table of pairs.
extension CompareResult {
    public func text(_ style: TextStyle) -> [String] {
        var lines = paths.map { path in
            let version = [path.httpVersion, path.tls].compactMap(\.self).joined(separator: " over ")
            let status = path.status.map { "\($0)" } ?? "no response"
            return "\(style.paint(path.name, .bold))  \(path.url)  \(version)  \(status)"
        }
        lines.append("")
        lines += TextStyle.table(
            [["path", "TTFB", "events", "lost", "dup", "p50", "p90", "p99", "max", "gap", "jitter"]]
                + paths.map { path in
                    [
                        path.name, TextStyle.milliseconds(path.ttfbMs), "\(path.events)", "\(path.lost)",
                        "\(path.duplicated)", TextStyle.milliseconds(path.latency?.p50Ms),
                        TextStyle.milliseconds(path.latency?.p90Ms), TextStyle.milliseconds(path.latency?.p99Ms),
                        TextStyle.milliseconds(path.latency?.maxMs), TextStyle.milliseconds(path.gaps?.medianMs),
                        TextStyle.milliseconds(path.gaps?.jitterMedianMs),
                    ]
                })
        if let error = paths.compactMap(\.latencyErrorMs).max() {
            lines.append("latency from publish to arrival, ± \(TextStyle.milliseconds(error)) by the clock's estimate")
        }
        for pair in pairs where pair.matched > 0 { lines += [""] + text(of: pair, style) }
        return lines
    }

    private func text(of pair: PathPair, _ style: TextStyle) -> [String] {
        func share(_ count: Int) -> String {
            "\(count) (\(TextStyle.fixed(100 * Double(count) / Double(pair.matched), 1)) %)"
        }
        func interval(_ bounds: [Double]?) -> String {
            guard let bounds, bounds.count == 2 else { return "" }
            return " [\(TextStyle.number(bounds[0])), \(TextStyle.number(bounds[1]))]"
        }
        return [
            "\(style.paint("\(pair.a) against \(pair.b)", .bold)): \(pair.matched) events on both, "
                + "\(pair.onlyA) only on \(pair.a), \(pair.onlyB) only on \(pair.b)",
            "  first: \(pair.a) \(share(pair.winsA)), \(pair.b) \(share(pair.winsB)), ties \(share(pair.ties)) "
                + "(within \(TextStyle.milliseconds(pair.resolutionMs)))",
            "  \(pair.b) − \(pair.a): mean \(TextStyle.milliseconds(pair.meanMs))\(interval(pair.meanIntervalMs)), "
                + "median \(TextStyle.milliseconds(pair.medianMs))\(interval(pair.medianIntervalMs)), 95 % confidence",
        ]
    }
}
