// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What was concluded of one close, and from what. A verdict carries its evidence so that a reader can disagree.

/// The reason of one close, how sure it is, and what it rests on.
public struct Verdict: Equatable, Sendable {
    public var reason: CloseReason
    public var confidence: Confidence

    /// What the reason rests on, in the order it was found. Keys are a closed set, values are short; text of a peer
    /// is cut and cleaned.
    public var evidence: [Finding]

    /// For `idle_timeout`, the timer that probably fired, in seconds; its metric label is `SuspectedTimeout(seconds:)`.
    public var suspectedTimeoutSeconds: Double?

    /// The stream died of idleness although heartbeats were due: ours came too late, or a hop does not pass them on.
    public var heartbeatsSwallowed: Bool

    public init(
        reason: CloseReason,
        confidence: Confidence,
        evidence: [Finding],
        suspectedTimeoutSeconds: Double? = nil,
        heartbeatsSwallowed: Bool = false
    ) {
        self.reason = reason
        self.confidence = confidence
        self.evidence = evidence
        self.suspectedTimeoutSeconds = suspectedTimeoutSeconds
        self.heartbeatsSwallowed = heartbeatsSwallowed
    }

    /// The evidence in one line for a log: `rule=idle_population seen=fin ends=5 …`.
    public var evidenceText: String {
        evidence.map { "\($0.key.rawValue)=\($0.value)" }.joined(separator: " ")
    }
}

/// One piece of evidence behind a verdict.
public struct Finding: Equatable, Sendable {
    /// What a finding is about. Documented in docs/close-reasons.md.
    public enum Key: String, CaseIterable, Sendable {
        /// Which rule decided.
        case rule
        /// What the peer did: `fin`, `reset`, `rst_stream`, …
        case seen
        /// HTTP/2 error code, or `errno`.
        case code
        /// Cleaned text of the peer's GOAWAY, or our own text of a protocol error.
        case text
        /// The value at which the ends gathered, in seconds.
        case value
        /// How many independent ends gathered there, this one included.
        case ends
        /// How many peers they came from, when more than one was needed.
        case peers
        /// How many connections ended together.
        case connections
        /// How far the gathered values lie apart, in milliseconds.
        case spread
        /// For how long writing was blocked, or the bound that was passed.
        case blocked
        /// The lifetime that a hop announced, in seconds.
        case announced
        /// How much earlier than its discovery the real leave may have been, in seconds.
        case earlier
        /// Reasons that fit the evidence as well.
        case fits
        /// Bytes that the peer had not acknowledged.
        case unacknowledged
        /// Bytes that had not left this host.
        case unsent
    }

    public var key: Key
    public var value: String

    public init(_ key: Key, _ value: String) {
        self.key = key
        self.value = value
    }
}
