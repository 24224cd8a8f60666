// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What is known of one timer.
public enum TimerStatus: String, Encodable, Sendable {
    case found
    /// Streams outlived every value up to ``TimerVerdict/survived``.
    case noneSeen = "none_seen"
    /// The maximum lifetime ends every stream before an idle timer could.
    case outOfReach = "out_of_reach"
    /// Streams ended, and what ended them cannot be told; or none could be held.
    case unknown
}

/// The idle timeout or the maximum lifetime, in seconds.
public struct TimerVerdict: Sendable {
    public var status = TimerStatus.unknown
    public var seconds: Double?
    /// Where the value lies: the ends that were seen, or what silent streams leave open.
    public var range: ClosedRange<Double>?
    public var confidence = Confidence.low
    /// The streams that show it.
    public var streams: [HeldStream] = []
    /// The longest that a stream lived through.
    public var survived = 0.0
    /// The same streams fit the other timer as well.
    public var isAmbiguous = false
    /// Nobody closed: bytes no longer came.
    public var isSilent = false
}

/// All that the ends of held streams say.
public struct TimerJudgement: Sendable {
    /// What an idle timer watches.
    public enum Scope: String, Encodable, Sendable {
        /// One stream: bytes of its siblings do not help it.
        case stream
        /// A whole connection with all its streams.
        case connection
    }

    /// Streams of different ages that ended in one moment.
    public struct Shutdown: Sendable {
        public var at: Double
        public var streams: Int
        public var isSilent: Bool
    }

    public var idle = TimerVerdict()
    public var scope: Scope?
    public var lifetime = TimerVerdict()
    /// The lifetime ends streams as HTTP has it: it is the server's own doing, not a hop's that cuts.
    public var lifetimeIsServers = false
    /// The lifetime's end only shows when bytes are due.
    public var lifetimeWaitsForWrites = false
    public var shutdowns: [Shutdown] = []
    /// Ended, and for no timer.
    public var unexplained: [HeldStream] = []
    /// Whether a stream that got bytes lived on when quiet ones of its age were ended.
    public var idleIsOutlived = false
}
