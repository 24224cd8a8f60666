// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Order and completeness of a stream without end")
struct OrderTrackerTests {
    private func steps(_ numbers: [Int64], id: (Int64) -> String? = { _ in nil }) -> OrderTracker.Step {
        var tracker = OrderTracker()
        return numbers.reduce(into: OrderTracker.Step()) { sum, number in
            let step = tracker.note(sequence: number, id: id(number))
            sum.lost += step.lost
            sum.duplicated += step.duplicated
            sum.reordered += step.reordered
        }
    }

    @Test func numbersInOrderAreAllWell() {
        #expect(steps(Array(1...1_000)) == .init())
    }

    @Test func aMissingNumberThatComesLateIsReorderedAndNotLost() {
        #expect(steps([1, 3, 2] + Array(4...600)) == .init(reordered: 1))
    }

    @Test func aMissingNumberIsLostOncePatienceIsOver() {
        #expect(steps([1, 3] + Array(4...200)) == .init())
        #expect(steps([1, 3] + Array(4...600)) == .init(lost: 1))
    }

    @Test func aNumberTwiceIsADuplicate() {
        #expect(steps([1, 2, 2, 3, 1]) == .init(duplicated: 2))
    }

    @Test func aLongOutageIsCountedInFull() {
        #expect(steps([1, 10_002] + Array(10_003...10_700)) == .init(lost: 10_000))
    }

    @Test func anotherEpochIsANewNumbering() {
        var tracker = OrderTracker()
        #expect(tracker.note(sequence: 900, id: "aaaa.900") == .init())
        #expect(tracker.note(sequence: 1, id: "bbbb.1") == .init())
        #expect(tracker.note(sequence: 2, id: "bbbb.2") == .init())
    }

    @Test(arguments: [[Int64.min, Int64.max], [Int64.max, Int64.min, 0], [0, Int64.max], [5, Int64.min + 1]])
    func absurdNumbersAreNewNumberings(numbers: [Int64]) {
        #expect(steps(numbers) == .init())
    }
}
