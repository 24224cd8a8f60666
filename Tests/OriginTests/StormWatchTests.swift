// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct StormWatchTests {
    /// Looks ten times a second at what is open, the first number first; says at which looks a storm was over.
    private func storms(in open: [Int]) -> [Int] {
        var watch = StormWatch()
        return open.indices.filter { watch.isOver(open: open[$0], now: Int64($0) * 100_000_000) }
    }

    @Test func aStormIsOverASecondAfterItsLastEnd() {
        #expect(self.storms(in: [0, 5000, 5000, 2000, 10] + [Int](repeating: 10, count: 30)) == [14])
    }

    @Test func itIsSaidOnceForEachStorm() {
        let storm = [5000] + [Int](repeating: 0, count: 20)
        #expect(self.storms(in: storm + storm) == [11, 32])
    }

    @Test func whatStillEndsIsNotOver() {
        #expect(self.storms(in: [5000] + (0..<100).map { 2000 - $0 }).isEmpty)
    }

    @Test func fewEndsAndEndsAmongManyAreNoStorm() {
        #expect(self.storms(in: [900] + [Int](repeating: 0, count: 30)).isEmpty)
        #expect(self.storms(in: [9000] + [Int](repeating: 5000, count: 30)).isEmpty)
    }
}
