// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The live table: one row for each path, cut to the width of the terminal.
extension RecordingFigures {
    public func lines(width: Int, style: TextStyle) -> [String] {
        let table = TextStyle.table(table(width))
        // The sparkline takes what room is left behind the table.
        let used = table.map(\.count).max() ?? 0
        let room = min(width - used - 2, Self.recentLimit)
        let sparklines = ["recent"] + paths.map { Sparkline.text($0.recent, width: room) }
        let body = zip(table, sparklines).enumerated().map { place, row in
            let pad = String(repeating: " ", count: used - row.0.count + 2)
            let line = Self.cut(room >= 8 ? row.0 + pad + row.1 : row.0, width)
            return place == 0 ? style.paint(line, .faint) : line
        }
        return [style.paint(Self.cut(head, width), .bold)] + body
    }

    /// All columns, or those that fit: what is read most stays longest.
    private func table(_ width: Int) -> [[String]] {
        let heads = ["path", "state", "events", "/s", "again", figure, "p50", "p99"]
        var columns = heads.indices.map { column in [heads[column]] + paths.map { row($0)[column] } }
        if paths.allSatisfy({ $0.tally.reconnects == 0 }) { columns.removeAll { $0.first == "again" } }
        for dropped in ["/s", "again", "state", figure] {
            let widths = columns.map { $0.map(\.count).max() ?? 0 }
            if widths.reduce(0, +) + 2 * (columns.count - 1) <= width { break }
            columns.removeAll { $0.first == dropped }
        }
        return (0...paths.count).map { row in columns.map { $0[row] } }
    }

    public var line: String {
        let parts = paths.map { path in
            let percentiles = "p50 \(Self.short(path, 50)) p99 \(Self.short(path, 99))"
            return "\(path.name) \(path.tally.state) \(path.tally.events) events "
                + "\(TextStyle.fixed(path.rate, 1))/s \(path.hasLatency ? "latency" : "gap") \(percentiles)"
        }
        return "\(TextStyle.fixed(elapsed, 0)) s: " + parts.joined(separator: "; ")
    }

    private var head: String { Countdown.head(command: command, elapsed: elapsed, duration: duration) }

    /// What the figures are of, as far as it is known.
    private var figure: String { paths.contains(where: \.hasLatency) ? "latency" : "gap" }

    private func row(_ path: Path) -> [String] {
        [
            Self.cut(path.name, 24), path.tally.state, "\(path.tally.events)", TextStyle.fixed(path.rate, 1),
            "\(path.tally.reconnects)", Self.milliseconds(path.recent.last), Self.short(path, 50),
            Self.short(path, 99) + (path.hasLatency || figure == "gap" || path.shown.count == 0 ? "" : " gap"),
        ]
    }

    private static func short(_ path: Path, _ percent: Double) -> String {
        milliseconds(path.shown.value(atPercentile: percent))
    }

    /// Of nearly the same length whatever the value, so that columns do not dance.
    private static func milliseconds(_ value: Double?) -> String {
        guard let value else { return "–" }
        let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
        return "\(TextStyle.fixed(value, digits)) ms"
    }

    static func cut(_ text: String, _ width: Int) -> String {
        text.count <= width ? text : width > 1 ? text.prefix(width - 1) + "…" : ""
    }
}
