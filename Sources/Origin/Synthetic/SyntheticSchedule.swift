// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// When a measurement channel's events come: a pure function of parameters and sequence number, so that two runs, or
// two machines, make the same gaps.

enum SyntheticSchedule {
    /// Events that ``SyntheticProfile/burst`` sends at once.
    static let burstLength: UInt64 = 8

    /// Nanoseconds between event `sequence` and the one before it. Their mean is the interval, for every profile.
    static func gap(before sequence: UInt64, parameters: SyntheticParameters) -> Int64 {
        let interval = Int64(parameters.intervalMilliseconds) * 1_000_000
        switch parameters.profile {
        case .steady: return interval
        case .burst: return sequence % self.burstLength == 1 ? interval * Int64(self.burstLength) : 0
        case .llm:
            // One event in 32 follows a pause of 8.75 intervals; the others come 0.5 to 1 interval apart. The mean is
            // (31 * 0.75 + 8.75) / 32 = 1 interval.
            let draw = self.draw(sequence, seed: parameters.seed)
            if draw.isMultiple(of: 32) { return interval * 35 / 4 }
            return interval / 2 + Int64(draw >> 16 % 1024) * interval / 2048
        }
    }

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), used as a hash.
    private static func draw(_ sequence: UInt64, seed: UInt64) -> UInt64 {
        var value = (seed &+ sequence) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
