// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// When bytes of a body came last, and the longest wait for them, as of the latest two reads.
public struct Silences: Sendable, Hashable {
    public var last: Int64?
    /// The longest silence that bytes ended, in nanoseconds; before the first, counted from the head.
    public var longest: Int64 = 0
    private var lastBefore: Int64?
    private var longestBefore: Int64 = 0

    public init() {}

    /// - Parameter head: when the head came.
    mutating func end(at time: Int64, head: Int64?) {
        if let last, last == time { return }
        (lastBefore, longestBefore) = (last, longest)
        longest = max(longest, time - (last ?? head ?? time))
        last = time
    }

    /// As if the latest read had not been.
    var withoutLatest: Silences {
        var earlier = Silences()
        (earlier.last, earlier.longest) = (lastBefore, longestBefore)
        return earlier
    }
}
