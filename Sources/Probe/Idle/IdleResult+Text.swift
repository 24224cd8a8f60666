// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The report for people: the answer in three lines, what it rests on, and what to do.
extension IdleResult {
    public func text(_ style: TextStyle) -> [String] {
        let hops = hops.isEmpty ? "" : "  behind \(hops.joined(separator: ", "))"
        var lines = ["\(style.paint(name, .bold))  \(url)  \(httpVersion ?? "no response")\(hops)"]
        guard !streams.isEmpty else { return lines }
        lines.append(
            "\(count(streams.count)) in \(TextStyle.fixed(measuredSeconds, 1)) s, "
                + (source == "headwater" ? "of chosen cadence" : "as the server sends them"))
        lines.append("")
        lines += section("idle timeout", idleText, style)
        lines += section("maximum lifetime", lifetimeText, style)
        if let heartbeatSeconds {
            lines += section(
                "heartbeat", ["\(style.paint("\(short(heartbeatSeconds)) s", .bold)) \(heartbeatReason)"],
                style)
        }
        return lines
    }

    private func section(_ title: String, _ text: [String], _ style: TextStyle) -> [String] {
        text.enumerated().map { place, line in
            let head = place == 0 ? title : ""
            return style.paint(head + String(repeating: " ", count: 18 - head.count), .cyan) + line
        }
    }

    private var idleText: [String] {
        let timer = idleTimeout
        switch timer.status {
        case .found where timer.isSilent:
            return [
                "\(seconds(timer.lowestSeconds)) to \(seconds(timer.highestSeconds)), \(sureness(timer))",
                "longer silences are dropped without a word: the next bytes never come and nobody closes",
            ]
        case .found:
            return [
                "\(seconds(timer.seconds)), \(sureness(timer))", ends(timer, of: "silence"),
            ] + whatLived + watched + settings(timer)
        case .noneSeen:
            return ["none seen: bytes came after \(seconds(timer.survivedSeconds)) of silence"]
        case .outOfReach:
            return ["more than \(seconds(timer.survivedSeconds)): the maximum lifetime ends all streams before"]
        case .unknown: return ["unknown"]
        }
    }

    private var lifetimeText: [String] {
        let timer = maxLifetime
        switch timer.status {
        case .found:
            var lines = ["\(seconds(timer.seconds)), \(sureness(timer))"]
            lines.append(
                timer.isSilent
                    ? "\(count(timer.ends)) got no more bytes at that age, unclosed" : ends(timer, of: "age"))
            if lifetimeIsServers { lines.append("the server ends the streams itself, as HTTP has it") }
            if lifetimeWaitsForWrites { lines.append("it shows with the next bytes only: silent streams stay") }
            return lines + settings(timer)
        case .noneSeen: return ["none seen up to \(seconds(timer.survivedSeconds))"]
        case .outOfReach, .unknown: return ["unknown"]
        }
    }

    private func seconds(_ value: Double?) -> String {
        value.map { "\(TextStyle.fixed($0, $0 < 100 ? 2 : 1)) s" } ?? "?"
    }

    private func sureness(_ timer: Timer) -> String {
        let confidence = "confidence \((timer.confidence ?? .low).rawValue)"
        guard timer.isAmbiguous else { return confidence }
        return idleScope == .connection
            ? "\(confidence): seen once, so it may have been a restart"
            : "\(confidence): streams of that age and silence fit both timers"
    }

    /// `9 streams ended after 59.99 to 60.02 s of silence: connection closed (FIN)`
    private func ends(_ timer: Timer, of what: String) -> String {
        let low = timer.lowestSeconds ?? 0
        let high = timer.highestSeconds ?? 0
        let values =
            high - low < 0.01
            ? seconds(high) : "\(TextStyle.fixed(low, 2)) to \(TextStyle.fixed(high, 2)) s"
        return "\(count(timer.ends)) ended after \(values) of \(what): \(timer.how.joined(separator: "; "))"
    }

    /// The slowest stream that lived on where silent ones were ended.
    private var whatLived: [String] {
        guard judgement.idleIsOutlived, let value = idleTimeout.seconds else { return [] }
        let slowest = streams.filter { $0.ageSeconds > value * 1.05 && $0.cause != "idle" }
            .compactMap(\.intervalSeconds).filter { $0 < value }.max()
        return slowest.map { ["streams with bytes every \(short($0)) s live on"] } ?? []
    }

    private func count(_ streams: Int) -> String { streams == 1 ? "1 stream" : "\(streams) streams" }

    private func short(_ value: Double) -> String {
        value == value.rounded() ? TextStyle.fixed(value, 0) : TextStyle.fixed(value, 1)
    }

    private var watched: [String] {
        switch idleScope {
        case .stream?: ["each stream is watched by itself: busy siblings on its connection do not help"]
        case .connection?: ["a whole connection is watched: any busy stream on it keeps the others alive"]
        case nil: []
        }
    }

    private func settings(_ timer: Timer) -> [String] {
        timer.settings.prefix(4).map { "→ \($0)" }
    }

    private var heartbeatReason: String {
        switch idleTimeout.status {
        case .found: "at most: less than half of the idle timeout"
        case .noneSeen, .outOfReach: "will do: no idle timer is in sight, and other ways to clients may have one"
        case .unknown: ""
        }
    }
}
