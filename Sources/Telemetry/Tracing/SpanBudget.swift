// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How much a span matters when there are more than the budget allows.
public enum SpanPriority: Hashable, Sendable {
    /// Kept while the budget lasts: one of many alike.
    case low
    /// Kept, and paid for before those of low priority: one per stream, connection or publish.
    case normal
    /// Kept: an ordinary span of low priority that turned out to be worth looking at, such as a slow event.
    case always
}

/// A token bucket for spans of low priority. The others are never refused, but use it up first.
///
/// Holds a second's worth at most, and room for one span unless the rate is zero. Pure: time is passed in. One owner
/// each; a process gives every event loop its share.
public struct SpanBudget: Hashable, Sendable {
    /// Spans a second.
    public let rate: Double
    private var tokens: Double
    /// Monotonic nanoseconds of the last refill.
    private var refilled: Int64

    public init(rate: Double, now: Int64) {
        self.rate = max(0, rate)
        tokens = Self.capacity(self.rate)
        refilled = now
    }

    /// True when the span may be kept. False costs nothing and is to be counted by the caller.
    public mutating func admits(_ priority: SpanPriority, now: Int64) -> Bool {
        if now > refilled {
            tokens = min(Self.capacity(rate), tokens + Double(now - refilled) * rate / 1_000_000_000)
            refilled = now
        }
        if tokens >= 1 {
            tokens -= 1
            return true
        }
        return priority != .low
    }

    private static func capacity(_ rate: Double) -> Double { rate > 0 ? max(rate, 1) : 0 }
}
