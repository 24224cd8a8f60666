// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How often a peer may do what is legal once and an attack a million times (RFC 9113 section 10.5).
///
/// Each pair is a token bucket: `burst` at once, `perSecond` in the long run. Above it the connection ends with
/// ENHANCE_YOUR_CALM.
public struct HTTP2FloodLimits: Sendable {
    public struct Limit: Sendable {
        public var burst: Int
        public var perSecond: Int

        public init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    /// RST_STREAM on streams younger than ``youngStreamNanoseconds`` or already gone (CVE-2023-44487, rapid reset),
    /// and violations that make us send RST_STREAM (CVE-2025-8671, "MadeYouReset"). Resets of older streams are
    /// people who leave, and thousands of them may do so in one tick.
    public var resets = Limit(burst: 1_000, perSecond: 100)
    public var youngStreamNanoseconds: Int64 = 1_000_000_000
    /// SETTINGS frames; each must be acknowledged and may touch all streams.
    public var settings = Limit(burst: 100, perSecond: 10)
    /// PING frames and PING acknowledgements, and GOAWAY frames.
    public var pings = Limit(burst: 1_000, perSecond: 100)
    /// DATA frames without data and without END_STREAM.
    public var emptyData = Limit(burst: 100, perSecond: 10)
    /// WINDOW_UPDATE, PRIORITY and unknown frames. A client may send two WINDOW_UPDATE frames per DATA frame, so each
    /// DATA frame sent earns ``updatesPerDataFrame``, up to ``maxEarnedUpdates``. Fragments that a tiny window forces
    /// on us earn nothing: a peer that opens its windows byte by byte runs out.
    public var updates = Limit(burst: 2_000, perSecond: 200)
    public var updatesPerDataFrame = 4
    public var maxEarnedUpdates = 200_000

    public init() {}
}

/// The token buckets of one connection. Pure: time comes with each question.
struct HTTP2AbuseGuard {
    private let limits: HTTP2FloodLimits
    private var resets: Bucket
    private var settings: Bucket
    private var pings: Bucket
    private var emptyData: Bucket
    private var updates: Bucket
    /// DATA frames whose credit is in `updates` already.
    private var creditedDataFrames: UInt64 = 0

    init(limits: HTTP2FloodLimits, now: Int64) {
        self.limits = limits
        resets = Bucket(limits.resets, now)
        settings = Bucket(limits.settings, now)
        pings = Bucket(limits.pings, now)
        emptyData = Bucket(limits.emptyData, now)
        updates = Bucket(limits.updates, now)
    }

    /// The peer reset a stream of that age; `nil` when the stream is gone.
    mutating func peerReset(age: Int64?, now: Int64) throws(HTTP2Fault) {
        if let age, age >= limits.youngStreamNanoseconds { return }
        guard resets.take(limits.resets, now) else { throw .connection(.enhanceYourCalm, "too many stream resets") }
    }

    /// The peer made us reset a stream.
    mutating func provokedReset(now: Int64) throws(HTTP2Fault) {
        guard resets.take(limits.resets, now) else { throw .connection(.enhanceYourCalm, "too many stream errors") }
    }

    mutating func settingsFrame(now: Int64) throws(HTTP2Fault) {
        guard settings.take(limits.settings, now) else { throw .connection(.enhanceYourCalm, "too many SETTINGS") }
    }

    mutating func pingFrame(now: Int64) throws(HTTP2Fault) {
        guard pings.take(limits.pings, now) else {
            throw .connection(.enhanceYourCalm, "too many PING or GOAWAY frames")
        }
    }

    mutating func emptyDataFrame(now: Int64) throws(HTTP2Fault) {
        guard emptyData.take(limits.emptyData, now) else {
            throw .connection(.enhanceYourCalm, "too many empty DATA frames")
        }
    }

    mutating func updateFrame(now: Int64, dataFrames: UInt64) throws(HTTP2Fault) {
        if updates.take(limits.updates, now) { return }
        let earned = (dataFrames - creditedDataFrames).multipliedReportingOverflow(
            by: UInt64(max(limits.updatesPerDataFrame, 0)))
        creditedDataFrames = dataFrames
        updates.add(earned.overflow ? limits.maxEarnedUpdates : min(Int(clamping: earned.0), limits.maxEarnedUpdates))
        guard updates.take(limits.updates, now) else {
            throw .connection(.enhanceYourCalm, "too many WINDOW_UPDATE, PRIORITY or unknown frames")
        }
    }

    private struct Bucket {
        private var tokens: Int
        private var refilledAt: Int64

        init(_ limit: HTTP2FloodLimits.Limit, _ now: Int64) {
            tokens = limit.burst
            refilledAt = now
        }

        mutating func add(_ count: Int) {
            tokens += count
        }

        /// Refills only when empty, so that the usual case costs a comparison and a decrement.
        mutating func take(_ limit: HTTP2FloodLimits.Limit, _ now: Int64) -> Bool {
            if tokens <= 0 {
                let elapsed = min(max(now - refilledAt, 0), 3_600_000_000_000)
                let earned = Double(elapsed) * Double(limit.perSecond) / 1e9
                guard earned >= 1 else { return false }
                tokens = earned < Double(limit.burst) ? Int(earned) : limit.burst
                refilledAt = now
            }
            tokens -= 1
            return tokens >= 0
        }
    }
}
