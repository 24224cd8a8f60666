// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The report for people.
extension LoadResult {
    public func text(_ style: TextStyle) -> [String] {
        if let failure { return ["\(url): \(failure)"] }
        var lines = [
            "\(style.paint(url, .bold))  \(httpVersion ?? "")  \(streams) streams"
                + (slow > 0 ? ", \(slow) slow" : "") + (halfDead > 0 ? ", \(halfDead) half-dead" : "")
                + " on \(connections) connections, \(loops) \(loops == 1 ? "loop" : "loops")",
            "",
        ]
        lines += TextStyle.table(
            [["", "count", "p50", "p90", "p99", "p99.9", "max"]]
                + [row("delivery", hold.delivery), row("opening", opening)])
        lines.append("delivery: publish to arrival, while all were open; opening: due to response head")
        lines.append("")
        lines.append(
            "\(TextStyle.fixed(hold.eventsPerSecond, 0)) events/s and "
                + "\(TextStyle.fixed(hold.bytesPerSecond / 1e6, 1)) MB/s over \(TextStyle.fixed(hold.seconds, 1)) s, "
                + "\(events) events in all")
        lines.append("lost \(lost)  duplicated \(duplicated)  out of order \(reordered)")
        lines.append(
            "\(opened) opened of \(attempts), \(openAtEnd) open at the end, \(reconnects) reconnects, "
                + "\(churned) churned, \(storms) storms")
        if let perEvent = hold.cpuMicrosecondsPerEvent {
            lines.append(
                "own CPU \(TextStyle.fixed(hold.cpu * 100, 0)) % of a core, "
                    + "\(TextStyle.fixed(perEvent, 3)) µs per event")
        }
        return lines
    }

    private func row(_ name: String, _ latency: LoadLatency?) -> [String] {
        guard let latency else { return [name, "0", "–", "–", "–", "–", "–"] }
        return [name, "\(latency.count)"]
            + [latency.p50Ms, latency.p90Ms, latency.p99Ms, latency.p999Ms, latency.maxMs].map {
                TextStyle.milliseconds($0)
            }
    }
}
