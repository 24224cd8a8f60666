// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

@Suite struct SpareCapacityTests {
    @Test func anArrayThatHasLostNearlyAllMovesToASmallerBlock() {
        var numbers = ContiguousArray(0..<10_000)
        let most = numbers.capacity
        while numbers.count > 100 {
            numbers.removeLast()
            numbers.giveBackSpare()
        }
        #expect(numbers.capacity < most / 8)
        #expect(numbers == ContiguousArray(0..<100))
    }

    @Test func anArrayThatComesAndGoesStaysWhereItIs() {
        var numbers = ContiguousArray(0..<10_000)
        let most = numbers.capacity
        numbers.removeLast(5_000)
        numbers.giveBackSpare()
        #expect(numbers.capacity == most)
        var few = ContiguousArray<Int>()
        few.reserveCapacity(500)
        let little = few.capacity
        few.giveBackSpare()
        #expect(few.capacity == little)
    }
}
