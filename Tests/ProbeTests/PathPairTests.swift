// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Two paths, event by event")
struct PathPairTests {
    private func pair(_ a: [EventSample], _ b: [EventSample]) -> PathPair {
        PathPair(names: ("a", "b"), a: a, b: b, resolution: 0.05)
    }

    private func stream(_ ids: [String], delay: Double = 0) -> [EventSample] {
        ids.enumerated().map { Samples.sample(id: $1, at: Double($0) * 10 + delay) }
    }

    @Test func theEarlierArrivalWinsBeyondTheClocksResolution() {
        let pair = pair(
            [Samples.sample(id: "1", at: 0), Samples.sample(id: "2", at: 10), Samples.sample(id: "3", at: 20.04)],
            [Samples.sample(id: "1", at: 1), Samples.sample(id: "2", at: 7), Samples.sample(id: "3", at: 20)])
        #expect((pair.winsA, pair.winsB, pair.ties) == (1, 1, 1))
        #expect(pair.series.points.map(\.deltaMs) == [1, -3, -0.04])
    }

    @Test func eventsOutsideTheCommonTimeAreNotMissing() {
        let pair = pair(stream(["1", "2", "3", "4", "5"]), stream(["3", "4", "5", "6"]))
        #expect((pair.matched, pair.onlyA, pair.onlyB) == (3, 0, 0))
    }

    @Test func anEventBetweenOthersThatCameOnOnePathOnlyIsMissing() {
        let pair = pair(stream(["1", "2", "3", "4"]), stream(["1", "3", "4"]))
        #expect((pair.matched, pair.onlyA, pair.onlyB) == (3, 1, 0))
        #expect(pair.findings.first?.path == "b")
    }

    @Test func equalIDsWithOtherContentAreAltered() {
        let pair = pair(
            [Samples.sample(id: "1", at: 0, digest: 1), Samples.sample(id: "2", at: 1, digest: 2)],
            [Samples.sample(id: "1", at: 0, digest: 1), Samples.sample(id: "2", at: 1, digest: 9)])
        #expect(pair.altered == 1)
    }

    @Test func withoutIDsAndNumbersEqualContentsMatchInTheirOrder() {
        let a = [1, 2, 1].enumerated().map { Samples.sample(at: Double($0), digest: UInt64($1)) }
        let b = [1, 2, 1].enumerated().map { Samples.sample(at: Double($0) + 0.5, digest: UInt64($1)) }
        #expect(pair(a, b).series.points.map(\.deltaMs) == [0.5, 0.5, 0.5])
    }

    @Test func nothingInCommonIsSaid() {
        let pair = pair(stream(["1"]), stream(["2"]))
        #expect(pair.matched == 0)
        #expect(pair.findings.map(\.severity) == [.warning])
    }

    @Test func theConfidenceIntervalHoldsTheMean() throws {
        // A triangle wave around 3, so that neighbours resemble each other.
        let deltas = (0..<400).map { (index: Int) -> Double in
            let distance: Int = abs(index % 40 - 20)
            return 2 + Double(distance) / 10
        }
        let interval = try #require(ConfidenceInterval.ofMean(deltas))
        #expect(interval.lower < 3 && 3 < interval.upper)
        #expect(interval.upper - interval.lower < 1)
        #expect(ConfidenceInterval.ofMean(Array(deltas.prefix(19))) == nil)
    }
}
