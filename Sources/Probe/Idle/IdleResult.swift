// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// What `probe idle` found: the two timers of a path and the heartbeat to set. Times are seconds.
public struct IdleResult: ProbeResult {
    public static let command = "idle"

    /// One timer.
    public struct Timer: Encodable, Sendable {
        public let status: TimerStatus
        /// What the timer is set to, as measured; nil unless found.
        public let seconds: Double?
        /// Where the ends lie that show it. Of a timer that drops streams silently: the longest silence that was
        /// survived, and the shortest that was not.
        public let lowestSeconds, highestSeconds: Double?
        /// How far to rely on it; nil unless found.
        public let confidence: Confidence?
        /// How many streams it ended.
        public let ends: Int
        /// How they ended, as the client saw it, the most frequent first.
        public let how: [String]
        /// Nobody closed the streams: bytes no longer came.
        public let isSilent: Bool
        /// The same ends fit the other timer too.
        public let isAmbiguous: Bool
        /// The longest that a stream is known to have lived through.
        public let survivedSeconds: Double
        /// Where it may be set.
        public let settings: [TimerSetting]
    }

    /// One stream that was held.
    public struct Stream: Encodable, Sendable {
        public let stream: Int
        /// `quiet`, `beating` or `as_is`.
        public let role: String
        /// Seconds between its bytes, if that was asked for.
        public let intervalSeconds: Double?
        public let openedSeconds, ageSeconds, silenceSeconds, longestPauseSeconds: Double
        /// Nil while it was open.
        public let end: String?
        /// `idle`, `lifetime`, `shutdown`, `unexplained`; nil for a stream that was still open.
        public let cause: String?
    }

    public let name, url: String
    public let httpVersion: String?
    /// `headwater`: streams of chosen cadence; `as_is`: only what the server sends.
    public let source: String
    public let upToSeconds, measuredSeconds: Double
    /// Intermediaries that the response names.
    public let hops: [String]
    public let idleTimeout: Timer
    /// What the idle timer watches, `stream` or `connection`; nil where each stream has a connection of its own.
    public let idleScope: TimerJudgement.Scope?
    public let maxLifetime: Timer
    /// The server ends the streams itself, whole, at that age.
    public let lifetimeIsServers: Bool
    /// It shows only when the next bytes are due.
    public let lifetimeWaitsForWrites: Bool
    /// Seconds between heartbeats that keep streams alive here.
    public let heartbeatSeconds: Double?
    /// How long after a stream's end a hop closes its connection; subtracted from ages and silences.
    public let closeDelaySeconds: Double
    public let streams: [Stream]
    let judgement: TimerJudgement
    let failures: [ProbeError]

    public init(_ outcome: IdleProbe.Outcome) {
        let hops = Intermediary.sightings(in: outcome.headers).map(\.name)
        let isHTTP1 = outcome.connection.map { $0.applicationProtocol == .http11 } ?? false
        let delay = CloseDelay.seconds(of: outcome.streams, hops: hops, isHTTP1: isHTTP1)
        let held = CloseDelay.removed(delay, from: outcome.streams)
        closeDelaySeconds = delay
        judgement = TimerClassifier(held).judge()
        failures = outcome.failures
        name = outcome.path.name
        url = "\(outcome.path.target)"
        httpVersion = outcome.connection.map { $0.applicationProtocol == .http2 ? "HTTP/2" : "HTTP/1.1" }
        source = outcome.source == .headwater ? "headwater" : "as_is"
        upToSeconds = outcome.upTo
        measuredSeconds = outcome.duration
        self.hops = hops.map(\.displayName)
        idleTimeout = Timer(judgement.idle, .idle, hops: hops)
        idleScope = judgement.scope
        maxLifetime = Timer(judgement.lifetime, .lifetime, hops: judgement.lifetimeIsServers ? [] : hops)
        lifetimeIsServers = judgement.lifetimeIsServers
        lifetimeWaitsForWrites = judgement.lifetimeWaitsForWrites
        heartbeatSeconds = Self.heartbeat(judgement.idle)
        let causes = Causes(judgement)
        streams = held.map { Stream($0, cause: causes.of($0)) }
    }

    private static func heartbeat(_ idle: TimerVerdict) -> Double? {
        switch idle.status {
        case .found: (idle.isSilent ? idle.range?.lowerBound : idle.seconds).map(HeartbeatAdvice.seconds(below:))
        case .noneSeen, .outOfReach: HeartbeatAdvice.seconds(withoutTimerUpTo: idle.survived)
        case .unknown: nil
        }
    }

    enum CodingKeys: String, CodingKey {
        case name, url, httpVersion, source, upToSeconds, measuredSeconds, hops, idleTimeout, idleScope, maxLifetime
        case lifetimeIsServers, lifetimeWaitsForWrites, heartbeatSeconds, closeDelaySeconds, streams
    }

    /// A timer that was not seen is at least as long as what streams lived through, and stands with that.
    public var measures: [Measure] {
        var measures = [Measure("streams", path: name, Double(streams.count), .count)]
        for (measure, timer) in [("idle_timeout", idleTimeout), ("max_lifetime", maxLifetime)]
        where timer.status != .unknown {
            measures.append(Measure(measure, path: name, timer.seconds ?? timer.survivedSeconds, .seconds))
        }
        if let heartbeatSeconds { measures.append(Measure("heartbeat", path: name, heartbeatSeconds, .seconds)) }
        return measures
    }

    public var exit: ProbeExit {
        guard streams.isEmpty, let failure = failures.first else { return .success }
        return failure.isUnreachable ? .unreachable : .notAStream
    }
}

extension IdleResult.Timer {
    init(_ verdict: TimerVerdict, _ kind: TimerSetting.Kind, hops: [Intermediary]) {
        let isFound = verdict.status == .found
        status = verdict.status
        seconds = verdict.seconds
        lowestSeconds = verdict.range?.lowerBound
        highestSeconds = verdict.range?.upperBound
        confidence = isFound ? verdict.confidence : nil
        ends = verdict.streams.count
        let cuts = verdict.streams.compactMap { $0.isSilent ? nil : $0.end?.how }
        let counts = Dictionary(cuts.map { ("\($0)", 1) }, uniquingKeysWith: +)
        how = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        isSilent = verdict.isSilent
        isAmbiguous = verdict.isAmbiguous
        survivedSeconds = verdict.survived
        let isCut = !cuts.isEmpty && !(kind == .lifetime && cuts.allSatisfy { $0 == .complete })
        settings =
            isFound && isCut
            ? TimerSetting.candidates(kind, seconds: verdict.seconds, hops: hops, cuts: Set(cuts)) : []
    }
}

/// Which of a judgement's timers ended a stream.
struct Causes {
    private let idle, lifetime, unexplained: Set<Int>

    init(_ judgement: TimerJudgement) {
        idle = Set(judgement.idle.streams.map(\.number))
        lifetime = Set(judgement.lifetime.streams.map(\.number))
        unexplained = Set(judgement.unexplained.map(\.number))
    }

    func of(_ stream: HeldStream) -> String? {
        if idle.contains(stream.number) { return "idle" }
        if lifetime.contains(stream.number) { return "lifetime" }
        if unexplained.contains(stream.number) { return "unexplained" }
        return stream.isOpen && !stream.isSilent ? nil : "shutdown"
    }
}

extension IdleResult.Stream {
    init(_ held: HeldStream, cause: String?) {
        stream = held.number
        switch held.role {
        case .quiet: role = "quiet"
        case .beating: role = "beating"
        case .asIs: role = "as_is"
        }
        intervalSeconds = held.interval
        openedSeconds = held.opened
        ageSeconds = held.age
        silenceSeconds = held.silence
        longestPauseSeconds = held.longestPause
        end = held.end.map { "\($0.how)" }
        self.cause = cause
    }
}
