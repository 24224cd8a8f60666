// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What else a reader should know beside verdict and cause.
extension DiagnoseResult {
    public var findings: [Finding] {
        var findings: [Finding] = []
        if heartbeats.verdict == .swallowed {
            findings.append(Finding(.problem, heartbeats.text, advice: "look for the hop that strips comments"))
        }
        switch resume.verdict {
        case .replayed, .startedAnew:
            findings.append(
                Finding(
                    .warning, "Last-Event-ID: \(resume.text)",
                    advice: "let the Last-Event-ID field through to the origin, and keep events there for a while"))
        case .refused: findings.append(Finding(.warning, "Last-Event-ID: \(resume.text)"))
        case .honoured, .over, .untold, .withoutIDs, .notTried: break
        }
        for stream in streams where stream.status == 200 {
            guard let coding = stream.contentEncoding, coding != "identity" else { continue }
            let pace = stream.delivery?.verdict == .progressive ? ", and flushed after each event" : ""
            findings.append(Finding(.note, "with gzip offered the stream comes compressed (\(coding))\(pace)"))
            break
        }
        if let late = streams.first(where: { ($0.headMs ?? 0) >= 1_000 }), verdict != .buffered {
            findings.append(
                Finding(
                    .note, "the head of the response takes \(TextStyle.fixed((late.headMs ?? 0) / 1_000, 1)) s",
                    advice: "send head and a comment at once: clients cannot tell a quiet stream from a dead one"))
        }
        for stream in streams where stream.role != .plain && stream.role.isOfUser {
            guard let status = stream.status, status != 200, status != 204 else { continue }
            findings.append(
                Finding(
                    .warning, "the stream \"\(stream.role.rawValue)\" got the status \(status)",
                    advice: "the server may limit streams for each client: try again with --once"))
        }
        if ownDelayMs >= 20 {
            findings.append(
                Finding(
                    .warning, "this machine is busy: timers are \(TextStyle.number(ownDelayMs)) ms late",
                    advice: "holds below three times that are not judged; run the probe where it has a core"))
        }
        if verdict == .undecided {
            findings.append(
                Finding(
                    .note, "nothing could be judged: \(reason)",
                    advice: "give it more time with --duration, or a stream that has events"))
        }
        return findings
    }
}
