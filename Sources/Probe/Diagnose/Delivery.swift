// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a path does to events on the way.
public enum DeliveryVerdict: String, Encodable, Sendable, CaseIterable {
    /// Each event comes when it was sent.
    case progressive
    /// Events are held for a moment and come together.
    case coalesced
    /// Events are held until a buffer is full or the stream ends.
    case buffered
    /// There is no stream, or it is cut, altered or unreadable.
    case broken
    /// Too little came to tell.
    case undecided

    /// The worse of two judgements of one path counts; one that could not judge counts least.
    var severity: Int {
        switch self {
        case .undecided: 0
        case .progressive: 1
        case .coalesced: 2
        case .buffered: 3
        case .broken: 4
        }
    }
}

/// What a judgement of delivery rests on, the strongest first.
public enum DeliveryBasis: String, Encodable, Sendable {
    /// The publisher's time in the events.
    case publishTimes = "publish_times"
    /// When the same events came on another stream.
    case otherStreams = "other_streams"
    /// Only when and in what pieces the stream came.
    case arrivals
    case nothing
}

/// How one stream was delivered.
public struct Delivery: Encodable, Sendable, Hashable {
    public var verdict: DeliveryVerdict
    public var confidence: Confidence
    public var basis: DeliveryBasis
    /// One sentence with the figures that decided.
    public var reason: String
    public var figures = Figures()

    /// Durations are milliseconds; nil where there is nothing to compute them of.
    public struct Figures: Encodable, Sendable, Hashable {
        /// Events that were judged: published while the stream was open.
        public var events = 0
        /// The share of them that came together with others although they were sent apart.
        public var heldShare: Double?
        /// How long the longest held event of such a group waited: the median of the groups, and the largest.
        public var holdMs: Double?
        public var longestHoldMs: Double?
        /// Arrivals further apart than 5 ms.
        public var groups = 0
        public var largestGroup = 0
        /// From the start of a group to that of the next: the median.
        public var groupPeriodMs: Double?
        /// The size of the pieces in which the stream came, if they are all of one size: that of a buffer.
        public var blockBytes: Int?
        /// Events that were cut in two, with a pause between.
        public var splitEvents = 0
        /// Sent, but not here when the measurement ended.
        public var missing = 0
    }

    init(
        _ verdict: DeliveryVerdict, _ confidence: Confidence, _ basis: DeliveryBasis, _ reason: String,
        _ figures: Figures = Figures()
    ) {
        self.verdict = verdict
        self.confidence = confidence
        self.basis = basis
        self.reason = reason
        self.figures = figures
    }
}
