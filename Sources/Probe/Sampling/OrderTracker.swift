// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Order and completeness of one stream without end: counts what is missing, twice or late, and remembers only what
/// may still come. ``StreamOrder`` judges samples that are all there.
struct OrderTracker: Sendable {
    /// What one event shows.
    struct Step: Sendable, Equatable {
        var lost = 0
        var duplicated = 0
        var reordered = 0
    }

    /// A missing number counts as lost once so many higher ones have come.
    static let patience: Int64 = 256
    /// A jump beyond this is a new numbering, not a loss.
    static let plausibleJump: Int64 = 1 << 20

    private var epoch: Substring = ""
    private var highest: Int64?
    /// Numbers below the highest that have not come. Bound: `patience`, since older ones are given up.
    private var missing: Set<Int64> = []

    /// Takes the next event in the order of arrival.
    /// - Parameter id: with Headwater's form `<epoch>.<sequence>` it tells a channel's new life from a loss.
    mutating func note(sequence: Int64, id: String?) -> Step {
        let epoch = id.flatMap(Self.epoch) ?? ""
        guard epoch == self.epoch, let highest, Self.isPlausible(sequence, after: highest) else {
            self.epoch = epoch
            self.highest = sequence
            missing = []
            return Step()
        }
        if sequence <= highest {
            return missing.remove(sequence) == nil ? Step(duplicated: 1) : Step(reordered: 1)
        }
        self.highest = sequence
        // Of a long outage only the last numbers may still come.
        let firstOpen = max(highest + 1, sequence - Self.patience)
        var step = Step(lost: Int(firstOpen - highest - 1))
        if firstOpen < sequence { missing.formUnion(firstOpen..<sequence) }
        let given = missing.filter { $0 < sequence - Self.patience }
        missing.subtract(given)
        step.lost += given.count
        return step
    }

    private static func isPlausible(_ sequence: Int64, after highest: Int64) -> Bool {
        let (jump, overflow) = sequence.subtractingReportingOverflow(highest)
        return !overflow && jump > -plausibleJump && jump < plausibleJump && sequence > .min + plausibleJump
    }

    private static func epoch(of id: String) -> Substring? {
        id.firstIndex(of: ".").map { id[..<$0] }
    }
}
