// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// What `probe load` found. docs/probe-load.md says what each field means.
public struct LoadResult: ProbeResult {
    public static let command = "load"

    /// Why there was no load at all; then all figures are 0.
    public let failure: String?
    public let url: String
    /// `http/1.1` or `h2`; nil if nothing was agreed on.
    public let httpVersion: String?
    public let streams: Int
    public let slow: Int
    public let halfDead: Int
    public let loops: Int
    public let opened: UInt64
    public let attempts: UInt64
    public let reconnects: UInt64
    public let churned: UInt64
    public let storms: UInt64
    public let connections: UInt64
    /// Streams of readers open at the end, and openings still under way.
    public let openAtEnd: Int
    public let openingAtEnd: Int
    public let oldestOpeningMs: Double?
    public let failures: [Tally]
    public let ends: [Tally]
    public let bytes: UInt64
    public let events: UInt64
    public let comments: UInt64
    public let heartbeats: UInt64
    public let gaps: UInt64
    public let unnumbered: UInt64
    public let untimed: UInt64
    public let lost: Int64
    public let duplicated: UInt64
    public let reordered: UInt64
    public let stale: UInt64
    public let early: UInt64
    public let slowBytes: UInt64
    public let vanished: UInt64
    /// From due to head.
    public let opening: LoadLatency?
    /// From due to request sent.
    public let pacing: LoadLatency?
    public let clockErrorMs: Double?
    public let hold: Hold
    public let seconds: [LoadSecond]

    public struct Tally: Encodable, Sendable, Hashable {
        public let cause: String
        public let count: UInt64
        public let example: String
    }

    /// The time when all streams were to be open.
    public struct Hold: Encodable, Sendable {
        public let seconds: Double
        public let events: UInt64
        public let eventsPerSecond: Double
        public let bytesPerSecond: Double
        /// From publish to arrival.
        public let delivery: LoadLatency?
        /// Of this process, in cores.
        public let cpu: Double
        public let cpuMicrosecondsPerEvent: Double?
    }

    private let failureExit: ProbeExit?
    private let examples: [Finding]

    private enum CodingKeys: String, CodingKey {
        case failure, url, httpVersion, streams, slow, halfDead, loops, opened, attempts, reconnects, churned, storms
        case connections, openAtEnd, openingAtEnd, oldestOpeningMs, failures, ends, bytes, events, comments, heartbeats
        case gaps, unnumbered, untimed, lost, duplicated, reordered, stale, early, slowBytes, vanished, opening, pacing
        case clockErrorMs, hold, seconds
    }

    public init(_ outcome: LoadRun.Outcome) {
        let (plan, counts) = (outcome.plan, outcome.sums.counts)
        failure = outcome.failure.map { "\($0)" }
        failureExit = outcome.failure.map { $0.isUnreachable ? .unreachable : .notAStream }
        url = "\(plan.path.target)"
        httpVersion = outcome.applicationProtocol.map { $0 == .http2 ? "h2" : "http/1.1" }
        (streams, slow, halfDead, loops) = (plan.streams, plan.slow, plan.halfDead, plan.loops)
        opened = counts.opened
        attempts = counts.attempts
        reconnects = counts.reconnects
        churned = counts.churned
        storms = counts.storms
        connections = counts.connections
        openAtEnd = outcome.sums.open
        openingAtEnd = outcome.sums.underWay
        oldestOpeningMs = outcome.seconds.last?.oldestOpeningMs
        failures = Self.tallies(counts.failures)
        ends = Self.tallies(counts.ends)
        bytes = counts.bytes
        events = counts.events
        comments = counts.comments
        heartbeats = counts.heartbeats
        gaps = counts.gaps
        unnumbered = counts.unnumbered
        untimed = counts.untimed
        lost = Int64(bitPattern: counts.lost)
        duplicated = counts.duplicated
        reordered = counts.reordered
        stale = counts.stale
        early = counts.early
        slowBytes = counts.slowBytes
        vanished = counts.vanished
        opening = LoadLatency(outcome.sums.opening, withCurve: true)
        pacing = LoadLatency(outcome.sums.pacing)
        clockErrorMs = outcome.clockError.map { Double($0) / 1e6 }
        let hold = outcome.hold
        self.hold = Hold(
            seconds: hold.seconds,
            events: hold.events,
            eventsPerSecond: hold.seconds > 0 ? Double(hold.events) / hold.seconds : 0,
            bytesPerSecond: hold.seconds > 0 ? Double(hold.bytes) / hold.seconds : 0,
            delivery: LoadLatency(hold.delivery, withCurve: true),
            cpu: hold.seconds > 0 ? hold.cpuSeconds / hold.seconds : 0,
            cpuMicrosecondsPerEvent: hold.events > 0 ? hold.cpuSeconds * 1e6 / Double(hold.events) : nil)
        seconds = outcome.seconds
        examples = Self.findings(outcome)
    }

    /// Most frequent first.
    private static func tallies(_ tally: LoadTally) -> [Tally] {
        tally.entries
            .map { Tally(cause: $0.key.name, count: $0.value.count, example: $0.value.example) }
            .sorted { ($1.count, $0.cause) < ($0.count, $1.cause) }
    }

    public var findings: [Finding] { examples }

    public var exit: ProbeExit {
        if let failureExit { return failureExit }
        return opened == 0 && attempts > 0 ? .unreachable : .success
    }

    public var measures: [Measure] {
        let ended = ends.filter { $0.cause != LoadCause.dropped.name }.reduce(0) { $0 + $1.count }
        var measures = [
            Measure("lost", Double(lost), .count),
            Measure("duplicated", Double(duplicated), .count),
            Measure("reordered", Double(reordered), .count),
            Measure("failed", Double(failures.reduce(0) { $0 + $1.count }), .count),
            Measure("ended", Double(ended), .count),
            Measure("open", Double(openAtEnd), .count),
            Measure("events_per_second", hold.eventsPerSecond, .count),
            Measure("cpu", hold.cpu, .count),
        ]
        if let delivery = hold.delivery { measures += Self.measures(of: delivery, prefix: "") }
        if let opening { measures += Self.measures(of: opening, prefix: "opening_") }
        return measures
    }

    private static func measures(of latency: LoadLatency, prefix: String) -> [Measure] {
        [
            ("mean", latency.meanMs), ("p50", latency.p50Ms), ("p90", latency.p90Ms), ("p99", latency.p99Ms),
            ("p99.9", latency.p999Ms), ("max", latency.maxMs),
        ].map { Measure(prefix + $0.0, $0.1, .milliseconds) }
    }
}
