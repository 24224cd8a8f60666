// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Which streams to hold for a run of a given length, and when to open each. Pure.
///
/// Openings are spread unevenly over a few seconds: ends at one age then lie at different moments, ends in one moment
/// at different ages, and a hop that looks at its timers once a second shows that it does.
public struct IdlePlan: Sendable, Hashable {
    /// One stream to open.
    public struct Opening: Sendable, Hashable {
        /// Over which connection, where that is a choice: HTTP/2.
        public enum Sharing: Sendable, Hashable {
            /// One of its own: no sibling's bytes keep it alive.
            case own
            /// One with all streams of this kind, to see whether siblings do.
            case shared
        }

        public var role: HeldStream.Role
        public var sharing = Sharing.own
        /// Seconds after the run began.
        public var at: Double
    }

    /// Streams that only wait. They measure an idle timer by themselves: from their last bytes to their end.
    public var quiet: [Opening]
    /// Streams with bytes at intervals that rise to the length of the run. Those below an idle timer outlive it and
    /// show that it is none of age; those above die of it; and what they live through is proven.
    public var beating: [Opening]
    /// A silent stream with busy siblings on its connection; HTTP/2 only.
    public var siblings: [Opening]

    /// Events this often, in seconds, show a lifetime's end at once, also where only a write brings it to light.
    static let quickest = 0.25
    /// Intervals just below the timers that are met most often, and others between.
    static let ladder: [Double] = [
        1, 1.5, 2, 3, 4, 5.5, 7, 9, 12, 16, 20, 25, 28, 40, 50, 57, 75, 95, 115, 122, 150, 200, 250, 290, 340, 400, 500,
        590, 700, 890, 1_100, 1_400, 1_750, 2_200, 2_800, 3_500,
    ]
    /// Bytes that are to arrive before the run ends are due this much earlier.
    static let margin = 0.7
    public static let bounds = 5.0...7_200

    /// - Parameter upTo: the length of the run in seconds.
    public init(upTo: Double) {
        quiet = [0, 0.4, 1.3, 2.6].map { Opening(role: .quiet, at: $0) }
        let intervals = Self.intervals(upTo: upTo)
        var beating = [0.7, 2.9, 5.2].map { Opening(role: .beating(Self.quickest), at: $0) }
        for (place, interval) in intervals.enumerated() {
            // Over some five seconds, by the golden ratio: never two at once, and no pattern. The slowest begins first,
            // since its bytes are due at the very end.
            let turn = (Double(place + 1) * 0.618_034).truncatingRemainder(dividingBy: 1)
            let at = interval * 2 > upTo ? 0.1 : 0.5 + min(5, upTo / 4) * turn
            beating.append(Opening(role: .beating(interval), at: at))
        }
        self.beating = beating.sorted { $0.at < $1.at }
        siblings = [
            Opening(role: .quiet, sharing: .shared, at: 0.9),
            Opening(role: .beating(Self.quickest), sharing: .shared, at: 1.1),
        ]
    }

    /// The ladder up to the longest interval of which bytes still arrive in time.
    static func intervals(upTo: Double) -> [Double] {
        // Origins take intervals to an hour.
        let longest = min(3_600, (upTo - max(1.5, upTo / 100) - margin).rounded(.down))
        let rungs = ladder.filter { $0 < longest * 0.9 }
        return longest >= 1 ? rungs + [longest] : rungs
    }

    /// As-is streams, for servers whose cadence is not ours to choose: ages differ by up to 13 s.
    static let asIs: [Opening] = [0, 1.1, 2.6, 4.7, 8.3, 13].map { Opening(role: .asIs, at: $0) }
}
