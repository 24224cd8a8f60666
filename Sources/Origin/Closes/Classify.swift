// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The rules that turn what was seen of a close into a reason, in the order in which they are asked. FIN, RST and
// HTTP/2 codes are evidence and never the reason: the same hop sends the same code for its idle timer, its maximum
// and a client that left.

/// Judges one close among the recent closes of its process.
///
/// Pure: the same evidence and population give the same verdict. `population` should have noted the close itself and
/// what ended within 50 ms after it; `CloseLedger` sees to that.
///
/// - Returns: The first rule's verdict that holds. What cannot be known is `client_closed` with low confidence.
public func classify(_ evidence: CloseEvidence, among population: ClosePopulation) -> Verdict {
    let end: PeerEnd
    switch evidence.ending {
    case .origin(let cause): return ownVerdict(cause)
    case .peer(let seen): end = seen
    }
    let verdict =
        slowConsumer(evidence, end)
        ?? networkFailure(evidence, end)
        ?? idleTimeout(evidence, end, population)
        ?? maxLifetime(evidence, population)
        ?? intermediaryShutdown(evidence, population)
        ?? clientClosed(evidence)
    return verdict.seeing(end)
}

/// Rule 1: we ended it, so we know.
private func ownVerdict(_ cause: OriginClose) -> Verdict {
    let own = Finding(.rule, "origin")
    switch cause {
    case .drain: return Verdict(reason: .drain, confidence: .certain, evidence: [own])
    case .durationComplete: return Verdict(reason: .durationComplete, confidence: .certain, evidence: [own])
    case .maxLifetime: return Verdict(reason: .maxLifetime, confidence: .certain, evidence: [own])
    case .shutdown: return Verdict(reason: .shutdown, confidence: .certain, evidence: [own])
    case .protocolError(let how):
        return Verdict(reason: .protocolError, confidence: .certain, evidence: [own, Finding(.text, cleanedText(how))])
    case .slowConsumer(let bound):
        let passed =
            switch bound {
            case .bytes(let bytes): "\(bytes)B"
            case .seconds(let seconds): "\(seconds)s"
            case .fellOffRing: "ring"
            }
        return Verdict(reason: .slowConsumer, confidence: .certain, evidence: [own, Finding(.blocked, passed)])
    }
}

/// Rule 2, before the network failures: TCP_USER_TIMEOUT also fires on a receiver whose window stays shut.
private func slowConsumer(_ evidence: CloseEvidence, _ end: PeerEnd) -> Verdict? {
    guard evidence.isSlow else { return nil }
    var findings = [Finding(.rule, "write_blocked"), Finding(.blocked, secondsText(evidence.writeBlockedNanoseconds))]
    if let bytes = evidence.unacknowledgedBytes { findings.append(Finding(.unacknowledged, "\(bytes)")) }
    if let bytes = evidence.unsentBytes { findings.append(Finding(.unsent, "\(bytes)")) }
    guard end.isNetworkFailure else {
        return Verdict(reason: .slowConsumer, confidence: .high, evidence: findings)
    }
    findings.append(Finding(.fits, CloseReason.networkFailure.rawValue))
    return Verdict(reason: .slowConsumer, confidence: .medium, evidence: findings)
}

/// Rule 3: nobody closed; the kernel gave up.
private func networkFailure(_ evidence: CloseEvidence, _ end: PeerEnd) -> Verdict? {
    guard end.isNetworkFailure else { return nil }
    var findings = [Finding(.rule, "errno")]
    if let bytes = evidence.unacknowledgedBytes { findings.append(Finding(.unacknowledged, "\(bytes)")) }
    return Verdict(reason: .networkFailure, confidence: .certain, evidence: findings)
}

/// Rule 5: an announced limit, or ends that gather at one age although their idle times do not. (Rule 4 has a file of
/// its own.)
func maxLifetime(_ evidence: CloseEvidence, _ population: ClosePopulation) -> Verdict? {
    if let announced = announcedLimit(evidence) { return announced }
    guard let judged = ClosePopulation.End(evidence) else { return nil }
    // A heartbeat finds an end up to two intervals late and on a multiple of the interval: such ages gather without any
    // timer. They count only as far as they gather more closely than they were found late.
    let late = judged.foundLate
    // Half as much again, because the pauses of one cadence differ by their jitter.
    let comparable = max(late + late / 2, CloseTolerance.prompt)
    let ends = population.ends(of: evidence.peer, around: judged.at).filter { $0.foundLate <= comparable }
    if let cluster = ClosePopulation.cluster(of: judged, among: ends, by: .age, slack: late), cluster.livedAlike {
        return Verdict(
            reason: .intermediaryMaxLifetime,
            confidence: judged.discovery == .heartbeat ? .low : cluster.confidence,
            evidence: cluster.findings(rule: "age_population")
        )
    }
    guard judged.discovery == .itself, judged.age >= CloseTolerance.shortestTimer else { return nil }
    let others = population.latestOfEachPeer(but: evidence.peer, around: judged.at)
    guard
        let cluster = ClosePopulation.cluster(
            of: judged,
            among: others,
            by: .age,
            width: CloseTolerance.acrossPeers,
            fewest: ClosePopulation.fewestPeers
        ), cluster.livedAlike
    else { return nil }
    return Verdict(
        reason: .intermediaryMaxLifetime,
        confidence: .medium,
        evidence: cluster.findings(rule: "age_population") + [Finding(.peers, "\(cluster.members.count)")]
    )
}

extension ClosePopulation.Cluster {
    /// Whether no idle timer explains ends at one age: their idle times differ, or are too short for any timer, or
    /// the streams lived through longer pauses.
    fileprivate var livedAlike: Bool {
        scattered(by: { $0.idle })
            || members.allSatisfy { $0.idle < CloseTolerance.shortestTimer || !$0.couldIdleOut(at: $0.idle) }
    }
}

/// The first half of rule 5. Announced limits come from hops that enforce them at once, so no heartbeat is allowed for.
func announcedLimit(_ evidence: CloseEvidence) -> Verdict? {
    guard let milliseconds = evidence.announcedLimitMilliseconds, milliseconds > 0, milliseconds < Int64.max / 1_000_000
    else { return nil }
    let limit = milliseconds * CloseTolerance.millisecond
    guard CloseTolerance.matches(evidence.ageNanoseconds, timer: limit) else { return nil }
    return Verdict(
        reason: .intermediaryMaxLifetime,
        confidence: .high,
        evidence: [Finding(.rule, "announced_limit"), Finding(.announced, secondsText(limit))]
    )
}

/// Rule 6: streams of different ages that end in one moment, when that is out of the ordinary for the peer.
private func intermediaryShutdown(_ evidence: CloseEvidence, _ population: ClosePopulation) -> Verdict? {
    guard evidence.foundLate <= CloseTolerance.prompt,
        let moment = population.tempo(of: evidence.peer)?.moment(around: evidence.endNanoseconds), moment.standsOut,
        moment.ageSpread >= CloseTolerance.differentAges
    else { return nil }
    // A page that is left resets its streams on a connection that lives on; a hop that goes away ends the connection,
    // at once or after it has reset one stream after the other.
    if !moment.severalConnections, moment.resetStreams == moment.ends, !evidence.connectionEnded { return nil }
    let confidence: Confidence =
        switch (moment.ends, moment.severalConnections) {
        case (8..., true): .high
        case (3..., true), (8..., false): .medium
        default: .low
        }
    var findings = [
        Finding(.rule, "one_moment"), Finding(.ends, "\(moment.ends)"),
        Finding(.connections, moment.severalConnections ? "several" : "1"),
    ]
    if confidence == .low { findings.append(Finding(.fits, CloseReason.clientClosed.rawValue)) }
    return Verdict(reason: .intermediaryShutdown, confidence: confidence, evidence: findings)
}

/// Rules 7 and 8: found by our write, or nothing at all to go by.
private func clientClosed(_ evidence: CloseEvidence) -> Verdict {
    let discovery = evidence.discovery
    guard discovery != .itself else {
        return Verdict(reason: .clientClosed, confidence: .low, evidence: [Finding(.rule, "nothing_known")])
    }
    var findings = [Finding(.rule, "found_by_write")]
    findings.append(Finding(.earlier, secondsText(evidence.foundLate)))
    // On a busy stream every end follows a write; only a quiet one tells that the write found it.
    return Verdict(reason: .clientClosed, confidence: discovery == .heartbeat ? .medium : .low, evidence: findings)
}
