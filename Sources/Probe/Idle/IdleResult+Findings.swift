// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a reader should know beside the two values.
extension IdleResult {
    public var findings: [Finding] {
        var findings = failures.prefix(3).map { Finding(.problem, path: name, "\($0)") }
        guard !streams.isEmpty else { return findings }
        findings += timerFindings
        for shutdown in judgement.shutdowns {
            let at = TextStyle.fixed(shutdown.at, 1)
            findings.append(
                shutdown.isSilent
                    ? Finding(
                        .problem, path: name,
                        "silently dropped: \(at) s into the run, bytes stopped on \(shutdown.streams) streams at once "
                            + "and nobody closed them",
                        advice:
                            "the way is gone (firewall, NAT, a dead hop); let clients give up when heartbeats are due "
                            + "and do not come")
                    : Finding(
                        .warning, path: name,
                        "\(at) s into the run, \(shutdown.streams) streams of different ages ended in one moment",
                        advice: "something on the way or the origin was restarted; measure again"))
        }
        if !judgement.unexplained.isEmpty {
            let ends = judgement.unexplained.prefix(3).map { stream in
                "at \(TextStyle.fixed(stream.age, 1)) s of age and \(TextStyle.fixed(stream.silence, 1)) s of silence"
            }
            findings.append(
                Finding(
                    .warning, path: name,
                    "\(judgement.unexplained.count) ends fit no timer: \(ends.joined(separator: "; "))",
                    advice: "measure for longer, so that ends that repeat show"))
        }
        if closeDelaySeconds > 0, !judgement.idle.streams.isEmpty || !judgement.lifetime.streams.isEmpty {
            findings.append(
                Finding(
                    .note, path: name,
                    "connections are closed about \(TextStyle.fixed(closeDelaySeconds, 1)) s after their streams "
                        + "ended, as Envoy's delayed_close_timeout has it; the values above are without it",
                    advice: "--protocol h2 shows the ends at once, if the hop speaks it"))
        }
        if source == "as_is" { findings.append(cadenceNote) }
        return findings
    }

    private var timerFindings: [Finding] {
        var findings: [Finding] = []
        if idleTimeout.status == .found, idleTimeout.isSilent {
            findings.append(
                Finding(
                    .problem, path: name,
                    "idle streams are silently dropped: nobody closes them, bytes just do not come",
                    advice: "a stateful firewall or NAT forgets them; heartbeats keep them known"))
        }
        if maxLifetime.status == .found, maxLifetime.isSilent {
            findings.append(
                Finding(
                    .problem, path: name,
                    "streams are silently dropped at \(TextStyle.fixed(maxLifetime.seconds ?? 0, 1)) s of age: nobody "
                        + "closes them, bytes just do not come",
                    advice: "let clients give up and reconnect when heartbeats are due and do not come"))
        }
        if (idleTimeout.how + maxLifetime.how).contains("\(StreamCut.page)") {
            findings.append(
                Finding(
                    .problem, path: name, "an intermediary writes an error page into the stream when its timer fires",
                    advice: "clients see it as lines of an event: heartbeats keep the timer from firing"))
        }
        return findings
    }

    /// What a stream of its own cadence can tell.
    private var cadenceNote: Finding {
        let pause = TextStyle.fixed(idleTimeout.survivedSeconds, 1)
        return Finding(
            .note, path: name,
            "the cadence is the server's own: an idle timeout shows only if the stream falls silent for long enough; "
                + "the longest silence that bytes ended was \(pause) s",
            advice: "probe a stream that stays silent, or an origin that makes streams to order (headwater serve)")
    }
}
