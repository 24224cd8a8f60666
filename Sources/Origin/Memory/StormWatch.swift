// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// When it is worth giving memory back: most of what was open has gone, and no more is going. No I/O.

/// Looks at how much is open, again and again, and says once for each storm that it is over.
struct StormWatch {
    /// What so few streams or connections held is not worth the work.
    static let worthwhile = 1000
    /// While things still end, their last memory is not free yet.
    static let calm: Int64 = 1_000_000_000

    /// How often to look. Each look wakes two threads, which is a tenth of a millisecond.
    static let interval = Duration.milliseconds(500)

    private var peak = 0
    private var last = 0
    private var calmSince: Int64 = 0

    /// - Parameters:
    ///   - open: streams and connections open now.
    ///   - now: monotonic nanoseconds.
    mutating func isOver(open: Int, now: Int64) -> Bool {
        if open < self.last { self.calmSince = now }
        self.last = open
        self.peak = max(self.peak, open)
        guard self.peak - open >= Self.worthwhile, open * 2 <= self.peak, now - self.calmSince >= Self.calm else {
            return false
        }
        self.peak = open
        return true
    }
}
