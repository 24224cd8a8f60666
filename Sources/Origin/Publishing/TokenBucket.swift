// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A rate limit that lets a second's worth through at once and refills evenly.

/// Pure: the caller brings the time, in nanoseconds of one monotonic clock.
struct TokenBucket {
    private let perSecond: Double
    private let capacity: Double
    private var level: Double
    private var filledAt: Int64

    init(perSecond: Double, now: Int64) {
        self.perSecond = perSecond
        self.capacity = max(1, perSecond)
        self.level = self.capacity
        self.filledAt = now
    }

    /// Takes `count` tokens, or none and returns the seconds until they are there. More than the bucket holds are
    /// granted to a full bucket, which then owes the rest: else a large batch could never pass.
    mutating func take(_ count: Int, now: Int64) -> Double? {
        self.level = min(self.capacity, self.level + Double(max(0, now - self.filledAt)) / 1e9 * self.perSecond)
        self.filledAt = max(self.filledAt, now)
        let needed = min(Double(count), self.capacity)
        guard self.level >= needed else { return (needed - self.level) / self.perSecond }
        self.level -= Double(count)
        return nil
    }
}
