// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One stream that was opened to see how it ends, as the timers are judged by it: no sockets, no clock. Times are
/// seconds since the run began.
public struct HeldStream: Sendable, Hashable {
    /// What the stream is for.
    public enum Role: Sendable, Hashable {
        /// Nothing comes after its first bytes.
        case quiet
        /// Bytes come at this interval, in seconds.
        case beating(Double)
        /// Whatever the server sends.
        case asIs
    }

    /// What a stream that has ended looked like, and when.
    public struct End: Sendable, Hashable {
        public var at: Double
        public var how: StreamCut
    }

    /// Within its run, from 0.
    public var number: Int
    public var role: Role
    /// When the request was written.
    public var opened: Double
    /// When its latest bytes came, the head counted.
    public var lastArrival: Double
    /// The longest silence that bytes ended.
    public var longestPause: Double = 0
    /// The socket here; equal for streams that share one.
    public var clientConnection: Int?
    /// The socket at the origin, if the origin tells.
    public var originConnection: String?
    /// Nil while the stream is open.
    public var end: End?
    /// Up to when the stream was seen: its end, or the end of the measurement.
    public var until: Double

    public var age: Double { until - opened }
    /// From its last bytes on.
    public var silence: Double { until - lastArrival }
    /// The age at which bytes last came: up to here no timer of its age can have ended it.
    public var provenAge: Double { lastArrival - opened }
    public var isOpen: Bool { end == nil }

    /// The interval at which it gets bytes, if it is known.
    var interval: Double? {
        if case .beating(let interval) = role { interval } else { nil }
    }

    /// After how long without bytes a beating stream is dead although nobody closed it. Heartbeats are up to a tenth of
    /// a second late at the origin; the rest is for a network that retransmits.
    static func patience(for interval: Double) -> Double { interval + max(2, interval / 4) }

    /// Whether bytes are overdue on an open stream, or the network gave it up.
    public var isSilent: Bool {
        switch end?.how {
        case .network?: true
        case .some: false
        case nil: interval.map { silence > Self.patience(for: $0) } ?? false
        }
    }
}
