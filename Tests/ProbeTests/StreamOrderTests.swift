// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Order and completeness within streams")
struct StreamOrderTests {
    @Test(
        arguments: [
            ([1, 2, 3, 4], 0, 0, 0), ([5, 6, 9], 2, 0, 0), ([1, 2, 2, 3], 0, 1, 0), ([1, 3, 2, 4], 0, 0, 1),
            ([3, 1, 2], 0, 0, 2), ([1, 4, 4, 2], 1, 1, 1), ([], 0, 0, 0), ([7], 0, 0, 0), ([.min, .max], 0, 0, 0),
        ] as [([Int64], Int, Int, Int)])
    func numbersTellWhatIsMissingTwiceOrLate(numbers: [Int64], lost: Int, duplicated: Int, reordered: Int) {
        let order = StreamOrder(Samples.sequence(numbers))
        #expect(order.lost == lost)
        #expect(order.duplicated == duplicated)
        #expect(order.reordered == reordered)
    }

    @Test func streamsAreJudgedEachByItself() {
        let order = StreamOrder(Samples.sequence([1, 2, 3], stream: 0) + Samples.sequence([2, 3], stream: 1))
        #expect(order.lost == 0)
        #expect(order.duplicated == 0)
        #expect(order.gaps == [1, 1, 1])
    }

    @Test func eventsOfOneReadAreCoalesced() {
        let together = [1.0, 1, 1, 2].enumerated().map { place, time in
            Samples.sample(number: place + 1, at: time, read: UInt64(time))
        }
        #expect(StreamOrder(together).coalesced == 2)
    }
}
