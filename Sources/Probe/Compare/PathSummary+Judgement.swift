// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a path's figures amount to: measures for thresholds, findings for readers, the exit status.
extension PathSummary {
    public var measures: [Measure] {
        var measures = [
            Measure("events", path: name, Double(events), .count),
            Measure("lost", path: name, Double(lost), .count),
            Measure("duplicated", path: name, Double(duplicated), .count),
            Measure("reordered", path: name, Double(reordered), .count),
            Measure("reconnects", path: name, Double(reconnects), .count),
            Measure("coalesced", path: name, Double(coalesced), .count),
        ]
        func add(_ measure: String, _ value: Double?) {
            if let value { measures.append(Measure(measure, path: name, value, .milliseconds)) }
        }
        add("ttfb", ttfbMs)
        add("first_event", firstEventMs)
        add("jitter", gaps?.jitterMedianMs)
        add("jitter_mean", gaps?.jitterMeanMs)
        add("mean", latency?.meanMs)
        add("p50", latency?.p50Ms)
        add("p90", latency?.p90Ms)
        add("p95", latency?.p95Ms)
        add("p99", latency?.p99Ms)
        add("p99.9", latency?.p999Ms)
        add("max", latency?.maxMs)
        return measures
    }

    public var findings: [Finding] {
        var findings = ends.filter { $0.isFailure }.prefix(3).map { end in
            Finding(
                .problem, path: name,
                "stream \(end.stream + 1) after \(TextStyle.fixed(end.ageSeconds, 1)) s: \(end.how)")
        }
        if events > 0, latency == nil {
            findings.append(
                Finding(
                    .note, path: name, "the events bear no publish time, or the origin's clock is unknown",
                    advice: "only differences between paths and between events are reported; --time-field names the "
                        + "member of the payload that holds a time"))
        }
        if lost > 0 { findings.append(Finding(.problem, path: name, "\(lost) events are missing between others")) }
        if duplicated > 0 { findings.append(Finding(.problem, path: name, "\(duplicated) events came twice")) }
        if reordered > 0 { findings.append(Finding(.problem, path: name, "\(reordered) events came out of order")) }
        if events == 0, !ends.contains(where: \.isFailure) {
            findings.append(
                Finding(
                    .warning, path: name, status == nil ? "no response came" : "the stream opened and no event came",
                    advice: "measure for longer, or let probe diagnose look at the path"))
        }
        return findings
    }

    /// Whether the path could be measured at all.
    var exit: ProbeExit {
        guard events == 0, let end = ends.first(where: \.isFailure) else { return .success }
        return end.isUnreachable ? .unreachable : .notAStream
    }
}
