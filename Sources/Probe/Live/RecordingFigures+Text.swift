// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The live table: one row for each path, cut to the width of the terminal.
extension RecordingFigures {
    public func lines(width: Int, style: TextStyle) -> [String] {
        let rows = [["path", "state", "events", "/s", "again", figure, "p50", "p99"]] + paths.map(row)
        let table = TextStyle.table(rows)
        // The sparkline takes what room is left behind the table.
        let used = table.map(\.count).max() ?? 0
        let room = min(width - used - 2, Self.recentLimit)
        let sparklines =
            [room >= 8 ? "recent" : ""] + paths.map { Sparkline.text($0.recent, width: room >= 8 ? room : 0) }
        let body = zip(table, sparklines).enumerated().map { place, row in
            let line = row.0 + String(repeating: " ", count: used - row.0.count) + "  " + row.1
            let cut = Self.cut(line, width)
            return place == 0 ? style.paint(cut, .faint) : cut
        }
        return [style.paint(Self.cut(head, width), .bold)] + body
    }

    public var line: String {
        let parts = paths.map { path in
            let percentiles = "p50 \(Self.short(path, 50)) p99 \(Self.short(path, 99))"
            return "\(path.name) \(path.tally.state) \(path.tally.events) events "
                + "\(TextStyle.fixed(path.rate, 1))/s \(path.hasLatency ? "latency" : "gap") \(percentiles)"
        }
        return "\(TextStyle.fixed(elapsed, 0)) s: " + parts.joined(separator: "; ")
    }

    private var head: String {
        let time = duration.map { "\(TextStyle.fixed(min(elapsed, $0), 1)) of \(TextStyle.number($0)) s" }
        return "probe \(command)  \(time ?? "\(TextStyle.fixed(elapsed, 1)) s")  Ctrl-C ends and reports"
    }

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
