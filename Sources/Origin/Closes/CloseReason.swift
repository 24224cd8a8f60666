// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Why a stream ended, as one closed set. The raw value is the metric label, the span attribute, the log field and the
// row in docs/close-reasons.md, so a reason is added in all of them or in none (a test holds the document against
// `allCases`).

/// Why a stream ended.
public enum CloseReason: String, CaseIterable, Sendable {
    /// We ended the stream because this process is being replaced; the client was told to come back, and should.
    case drain

    /// We ended the stream because the `duration` its request asked for was over. Success: the client must not come
    /// back.
    case durationComplete = "duration_complete"

    /// We ended the stream at its configured maximum lifetime; the client reconnects and resumes.
    case maxLifetime = "max_lifetime"

    /// The receiver, or a hop before it, took bytes more slowly than they were published: we ended the stream at its
    /// bound, or the peer gave up while our writes had been blocked for a second or more.
    case slowConsumer = "slow_consumer"

    /// The network stopped answering: nobody closed, the kernel gave up retransmitting or had no route.
    case networkFailure = "network_failure"

    /// A hop on the way closed the stream because nothing passed for as long as its idle timer allows.
    case idleTimeout = "idle_timeout"

    /// A hop on the way closed the stream because it had lived as long as the hop allows, busy or not.
    case intermediaryMaxLifetime = "intermediary_max_lifetime"

    /// A hop on the way restarted, reloaded or died and took its streams with it.
    case intermediaryShutdown = "intermediary_shutdown"

    /// The client left; also what is said, with low confidence, when nothing tells who ended the stream.
    case clientClosed = "client_closed"

    /// We ended the stream because its peer broke the protocol.
    case protocolError = "protocol_error"

    /// We ended the stream because the process stops at once, without a drain.
    case shutdown
}

/// How far a verdict may be trusted, from what can be proven down to what is merely not excluded.
public enum Confidence: String, CaseIterable, Comparable, Sendable {
    /// Nothing speaks against it, and nothing strong for it. `client_closed` with low confidence means: not knowable.
    case low

    /// The evidence fits, and what else it would fit is rare.
    case medium

    /// The evidence is repeated or specific; a coincidence is not plausible.
    case high

    /// We did it ourselves, or the peer or the kernel said so in words that have one meaning.
    case certain

    public static func < (left: Confidence, right: Confidence) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        case .certain: 3
        }
    }
}
