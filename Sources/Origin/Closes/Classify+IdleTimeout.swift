// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Rule 4: did a hop's idle timer end the stream? One close rarely tells; what tells is that independent ends gather
// at one idle time while their ages do not.

func idleTimeout(_ evidence: CloseEvidence, _ end: PeerEnd, _ population: ClosePopulation) -> Verdict? {
    if case .goAway(70_007, _) = end {
        // APR_TIMEUP: httpd is the only sender of this code, and means its own timer by it.
        return timedOut(evidence, .certain, [Finding(.rule, "goaway_timeup")], timer: evidence.idleNanoseconds)
    }
    // An end that a write found did not happen at the idle time that we know.
    guard evidence.discovery == .itself, let judged = ClosePopulation.End(evidence) else { return nil }
    let ends = population.ends(of: evidence.peer, around: judged.at)
    return peerIdlesOut(evidence, judged, ends)
        ?? heartbeatsDoNotArrive(evidence, judged, ends)
        ?? manyPeersIdleOut(evidence, judged, population)
        ?? heartbeatIsOverdue(evidence)
        ?? connectionIdlesOut(evidence, end, judged, ends)
        ?? momentIdlesOut(evidence, judged, ends, population)
}

/// At least three independent ends of the peer at one idle time.
private func peerIdlesOut(_ evidence: CloseEvidence, _ judged: ClosePopulation.End, _ ends: [ClosePopulation.End])
    -> Verdict?
{
    guard judged.couldIdleOut(at: judged.idle) else { return nil }
    let comparable = ends.filter { $0.discovery == .itself && $0.couldIdleOut(at: judged.idle) }
    guard let cluster = ClosePopulation.cluster(of: judged, among: comparable, by: .idle) else { return nil }
    let findings = cluster.findings(rule: "idle_population")
    if cluster.scattered(by: { $0.age }) {
        return timedOut(evidence, cluster.confidence, findings, timer: cluster.value)
    }
    // Idle time and age gather alike, as for streams that were never written to: a timer certainly, but which? It is
    // settled when the hop announced one, or when other ends of the peer outlived one of the two.
    if let announced = announcedLimit(evidence) { return announced }
    let oldest = cluster.members.map(\.age).max() ?? judged.age
    let heartbeats = 2 * (evidence.heartbeatNanoseconds ?? 0)
    let livedLonger = ends.contains { $0.age > oldest + CloseTolerance.late(oldest) + heartbeats }
    let idledLonger = ends.contains { !$0.couldIdleOut(at: cluster.value) || $0.idle > cluster.value + cluster.late }
    switch (livedLonger, idledLonger) {
    case (true, false):
        return timedOut(evidence, .medium, findings, timer: cluster.value)
    case (false, true):
        return Verdict(reason: .intermediaryMaxLifetime, confidence: .medium, evidence: findings)
    default:
        let open = findings + [Finding(.fits, CloseReason.intermediaryMaxLifetime.rawValue)]
        return timedOut(evidence, .low, open, timer: cluster.value)
    }
}

/// The same by the time since the last *event*, above the heartbeat interval: the hop counts events and not our
/// heartbeats.
private func heartbeatsDoNotArrive(
    _ evidence: CloseEvidence,
    _ judged: ClosePopulation.End,
    _ ends: [ClosePopulation.End]
) -> Verdict? {
    guard let heartbeat = evidence.heartbeatNanoseconds, judged.eventIdle > heartbeat + CloseTolerance.late(heartbeat),
        judged.eventIdle > judged.idle + CloseTolerance.moment
    else { return nil }
    let comparable = ends.filter { $0.discovery == .itself }
    guard let cluster = ClosePopulation.cluster(of: judged, among: comparable, by: .eventIdle),
        cluster.scattered(by: { $0.age }), cluster.scattered(by: { $0.idle })
    else { return nil }
    return timedOut(
        evidence,
        min(cluster.confidence, .medium),
        cluster.findings(rule: "event_idle_population"),
        timer: cluster.value,
        swallowed: true
    )
}

/// At least five peers, none of which has three such ends itself: an edge of many addresses, or one hop before each
/// client.
private func manyPeersIdleOut(
    _ evidence: CloseEvidence,
    _ judged: ClosePopulation.End,
    _ population: ClosePopulation
) -> Verdict? {
    guard judged.idle >= CloseTolerance.shortestTimer, judged.couldIdleOut(at: judged.idle) else { return nil }
    let others = population.latestOfEachPeer(but: evidence.peer, around: judged.at)
        .filter { $0.couldIdleOut(at: judged.idle) }
    guard
        let cluster = ClosePopulation.cluster(
            of: judged,
            among: others,
            by: .idle,
            width: CloseTolerance.acrossPeers,
            fewest: ClosePopulation.fewestPeers
        ), cluster.scattered(by: { $0.age })
    else { return nil }
    let findings = cluster.findings(rule: "idle_population") + [Finding(.peers, "\(cluster.members.count)")]
    // Each peer has its own round trip: the one in the middle is nearer to the timer than the quickest.
    let middle = cluster.members.map(\.idle).sorted()[cluster.members.count / 2]
    return timedOut(evidence, .medium, findings, timer: middle)
}

/// One close is enough when a heartbeat should have been written long before.
private func heartbeatIsOverdue(_ evidence: CloseEvidence) -> Verdict? {
    guard let heartbeat = evidence.heartbeatNanoseconds,
        evidence.idleNanoseconds > heartbeat + CloseTolerance.late(heartbeat)
    else { return nil }
    return timedOut(
        evidence,
        CloseTolerance.looksConfigured(evidence.idleNanoseconds) ? .medium : .low,
        [Finding(.rule, "heartbeat_overdue"), Finding(.value, secondsText(evidence.idleNanoseconds))],
        timer: evidence.idleNanoseconds
    )
}

/// An HTTP/2 connection that ended without GOAWAY under several streams, all idle for the same configured-looking time.
private func connectionIdlesOut(
    _ evidence: CloseEvidence,
    _ end: PeerEnd,
    _ judged: ClosePopulation.End,
    _ ends: [ClosePopulation.End]
) -> Verdict? {
    guard case .tcpEndUnderOpenStreams(reset: false) = end else { return nil }
    let siblings = ends.filter {
        $0.connection == judged.connection && abs($0.at - judged.at) <= CloseTolerance.moment
            && $0.stream != judged.stream
    }
    guard !siblings.isEmpty, siblings.allSatisfy({ judged.idlesAlike($0) }), !judged.neverWritten(with: siblings)
    else { return nil }
    return together(evidence, judged, siblings, rule: "connection_idle")
}

/// Streams of different ages that ended in one moment at one idle time: a common write and a timer, or a common write
/// and a hop that went away. Only a value that looks configured speaks for the timer, and not loudly.
private func momentIdlesOut(
    _ evidence: CloseEvidence,
    _ judged: ClosePopulation.End,
    _ ends: [ClosePopulation.End],
    _ population: ClosePopulation
) -> Verdict? {
    guard CloseTolerance.looksConfigured(judged.idle),
        population.tempo(of: evidence.peer)?.moment(around: judged.at).standsOut == true
    else { return nil }
    let moment = ends.filter { abs($0.at - judged.at) <= CloseTolerance.moment && $0.stream != judged.stream }
    let alike = moment.filter { judged.idlesAlike($0) }
    let ages = (alike + [judged]).map(\.age)
    guard alike.count + 1 >= ClosePopulation.fewestEnds, alike.count * 5 >= moment.count * 4,
        let youngest = ages.min(), let oldest = ages.max(), oldest - youngest >= CloseTolerance.differentAges
    else { return nil }
    return together(evidence, judged, alike, rule: "moment_idle")
}

private func together(
    _ evidence: CloseEvidence,
    _ judged: ClosePopulation.End,
    _ others: [ClosePopulation.End],
    rule: String
) -> Verdict? {
    guard CloseTolerance.looksConfigured(judged.idle), judged.couldIdleOut(at: judged.idle) else { return nil }
    let known = SuspectedTimeout(seconds: CloseTolerance.seconds(judged.idle)) != .other
    return timedOut(
        evidence,
        known ? .medium : .low,
        [
            Finding(.rule, rule), Finding(.ends, "\(others.count + 1)"), Finding(.value, secondsText(judged.idle)),
            Finding(.fits, CloseReason.intermediaryShutdown.rawValue),
        ],
        timer: judged.idle
    )
}

private func timedOut(
    _ evidence: CloseEvidence,
    _ confidence: Confidence,
    _ findings: [Finding],
    timer: Int64,
    swallowed: Bool = false
) -> Verdict {
    let overdue = evidence.heartbeatNanoseconds.map { timer > $0 + CloseTolerance.late($0) } ?? false
    return Verdict(
        reason: .idleTimeout,
        confidence: confidence,
        evidence: findings,
        suspectedTimeoutSeconds: CloseTolerance.seconds(timer),
        heartbeatsSwallowed: swallowed || overdue
    )
}
