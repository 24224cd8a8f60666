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

    /// How many of so many spans may be kept. The others cost nothing and are to be counted by the caller.
    public mutating func admits(_ count: Int, _ priority: SpanPriority, now: Int64) -> Int {
        if now > refilled {
            tokens = min(Self.capacity(rate), tokens + Double(now - refilled) * rate / 1_000_000_000)
            refilled = now
        }
        // Compared as they are, because an integer may be too small for what an unlimited budget holds.
        let paid = tokens >= Double(count) ? count : Int(tokens)
        tokens -= Double(paid)
        return priority == .low ? paid : count
    }

    private static func capacity(_ rate: Double) -> Double { rate > 0 ? max(rate, 1) : 0 }
}
