// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct SpanBudgetTests {
    private static let second: Int64 = 1_000_000_000

    /// How many of so many get in.
    private func admitted(
        _ budget: inout SpanBudget, _ count: Int, _ priority: SpanPriority = .low, at seconds: Double
    ) -> Int {
        budget.admits(count, priority, now: Int64(seconds * 1e9))
    }

    @Test(arguments: [SpanPriority.low, .normal, .always])
    func togetherOrOneByOneMakesNoDifference(priority: SpanPriority) {
        var (together, apart) = (SpanBudget(rate: 8, now: 0), SpanBudget(rate: 8, now: 0))
        for step in 0..<20 as Range<Int64> {
            let now = step * Self.second / 16
            let count = Int(step) % 4
            let one = (0..<count).reduce(0) { sum, _ in sum + apart.admits(1, priority, now: now) }
            #expect(together.admits(count, priority, now: now) == one)
        }
    }

    @Test func aBudgetBeyondAllIntegersIsUnlimited() {
        var budget = SpanBudget(rate: 1e30, now: 0)
        #expect(admitted(&budget, .max, at: 0) == .max)
    }

    @Test func aSecondsWorthPassesAndThenAsManyAsTheRate() {
        var budget = SpanBudget(rate: 10, now: 0)
        let counts = [0, 0.5, 0.5, 60].map { admitted(&budget, 20, at: $0) }
        // What was not used is not saved for longer than a second.
        #expect(counts == [10, 5, 0, 10])
    }

    @Test func othersAreNeverRefusedAndComeFirst() {
        var budget = SpanBudget(rate: 10, now: 0)
        let normal = admitted(&budget, 20, .normal, at: 0)
        let low = admitted(&budget, 1, at: 0)
        let slow = admitted(&budget, 5, .always, at: 0)
        // They leave no debt.
        let later = admitted(&budget, 5, at: 0.1)
        #expect([normal, low, slow, later] == [20, 0, 5, 1])
    }

    @Test func aRateOfZeroKeepsOnlyTheOthersAndAFractionStillWorks() {
        var none = SpanBudget(rate: 0, now: 0)
        let kept = [admitted(&none, 5, at: 100), admitted(&none, 5, .always, at: 100)]
        #expect(kept == [0, 5])
        var half = SpanBudget(rate: 0.5, now: 0)
        let counts = [0, 1, 2].map { admitted(&half, 5, at: $0) }
        #expect(counts == [1, 0, 1])
    }

    @Test func aClockThatStepsBackGivesNothing() {
        var budget = SpanBudget(rate: 1, now: 5 * Self.second)
        let counts = [5, 0, 5].map { admitted(&budget, 5, at: $0) }
        #expect(counts == [1, 0, 0])
    }
}
