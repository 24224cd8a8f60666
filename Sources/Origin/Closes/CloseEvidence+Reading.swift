// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What the rules read off the evidence, and how they write it down.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension CloseEvidence {
    /// Blocked for a second or more at the end.
    var isSlow: Bool { writeBlockedNanoseconds >= CloseTolerance.second }

    var resetsStream: Bool {
        if case .peer(.rstStream) = ending { true } else { false }
    }

    /// Whether the end showed by itself or was found by our last write, which then was an event or a heartbeat.
    var discovery: ClosePopulation.Discovery {
        guard sinceLastWrite <= CloseTolerance.moment else { return .itself }
        return lastWriteWasHeartbeat ? .heartbeat : .event
    }

    /// How much earlier than it was found the end may have happened: our last write may have found it, and a hop may
    /// need a second write to notice that its client is gone.
    var foundLate: Int64 {
        guard discovery != .itself else { return 0 }
        if discovery == .heartbeat, let heartbeat = heartbeatNanoseconds { return 2 * heartbeat }
        return lastPauseNanoseconds ?? ageNanoseconds / Int64(clamping: max(events, 1))
    }

    /// The longest pause between writes that the stream certainly lived through.
    var survivedPause: Int64 {
        let known = max(longestPauseNanoseconds ?? 0, discovery == .itself ? lastPauseNanoseconds ?? 0 : 0)
        // A heartbeat is written only after a pause of its interval.
        guard discovery == .itself, lastWriteWasHeartbeat else { return known }
        return max(known, heartbeatNanoseconds ?? 0)
    }

    /// A write that was due an interval after the last byte, or one before which the last event was as old, is a
    /// heartbeat.
    private var lastWriteWasHeartbeat: Bool {
        guard let heartbeat = heartbeatNanoseconds else { return false }
        return max(idleNanoseconds, eventIdleNanoseconds) - sinceLastWrite >= heartbeat - CloseTolerance.moment
    }

    /// A write that failed is the last one, whatever was kept of its time.
    private var sinceLastWrite: Int64 {
        if case .peer(.writeFailed) = ending { 0 } else { sinceWriteNanoseconds }
    }
}

extension PeerEnd {
    /// Nobody closed: the kernel gave up. A write may be what reports it.
    var isNetworkFailure: Bool {
        switch self {
        case .timedOut: true
        case .writeFailed(let errno): errno == ETIMEDOUT || errno == EHOSTUNREACH || errno == ENETUNREACH
        case .fin, .reset, .rstStream, .goAway, .tcpEndUnderOpenStreams: false
        }
    }

    fileprivate var findings: [Finding] {
        switch self {
        case .fin: [Finding(.seen, "fin")]
        case .reset: [Finding(.seen, "reset")]
        case .writeFailed(let errno): [Finding(.seen, "write_failed"), Finding(.code, "\(errno)")]
        case .timedOut(let errno): [Finding(.seen, "timed_out"), Finding(.code, "\(errno)")]
        case .rstStream(let code): [Finding(.seen, "rst_stream"), Finding(.code, "\(code)")]
        case .goAway(let code, let debug):
            [Finding(.seen, "goaway"), Finding(.code, "\(code)")]
                + (debug.isEmpty ? [] : [Finding(.text, cleanedText(debug))])
        case .tcpEndUnderOpenStreams(let reset): [Finding(.seen, reset ? "connection_reset" : "connection_fin")]
        }
    }
}

extension Verdict {
    /// Adds what the peer did to what was concluded from it.
    func seeing(_ end: PeerEnd) -> Verdict {
        var verdict = self
        verdict.evidence.insert(contentsOf: end.findings, at: 1)
        return verdict
    }
}

extension ClosePopulation.End {
    /// Whether an idle timer of this length can have ended the stream: not if it lived through a longer pause before.
    func couldIdleOut(at value: Int64) -> Bool {
        survivedPause <= value + CloseTolerance.late(value)
    }

    func idlesAlike(_ other: Self) -> Bool { abs(idle - other.idle) <= CloseTolerance.moment }

    /// Whether none of these streams was written to after its head: then they opened together and ended together,
    /// like any page that is left.
    func neverWritten(with others: [Self]) -> Bool {
        (others + [self]).allSatisfy { $0.age - $0.idle <= CloseTolerance.moment }
    }
}

extension ClosePopulation.Cluster {
    /// Over the closes of a busy day, one in a hundred thousand does not come by itself.
    var confidence: Confidence { members.count >= 4 && chance < 1e-5 ? .high : .medium }

    var late: Int64 { CloseTolerance.late(value) }

    func findings(rule: String) -> [Finding] {
        [
            Finding(.rule, rule), Finding(.ends, "\(members.count)"), Finding(.value, secondsText(value)),
            Finding(.spread, "\(spread / CloseTolerance.millisecond)ms"),
        ]
    }
}

/// Seconds with milliseconds, without locale: `60.003s`.
func secondsText(_ nanoseconds: Int64) -> String {
    let milliseconds = max(0, nanoseconds) / CloseTolerance.millisecond
    let fraction = String(milliseconds % 1_000)
    return "\(milliseconds / 1_000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)s"
}

/// A peer's text as a value in a log line: printable ASCII, no quotes or blanks, 64 characters at most.
func cleanedText(_ text: String) -> String {
    String(
        text.unicodeScalars.prefix(64).map { scalar in
            (0x21...0x7e).contains(scalar.value) && scalar != "\"" && scalar != "\\" ? Character(scalar) : "_"
        }
    )
}
