// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("One publisher has one clock")
struct SharedClocksTests {
    private func clock(error: Int64) -> ClockTrack {
        ClockTrack([ClockOffset(offset: 5, error: error, time: 0)])
    }

    private func sample(path: Int, id: String, published: Double) -> EventSample {
        Samples.sample(path: path, id: id, published: published, at: published + 1)
    }

    @Test func theBestEstimateServesAllPathsWithTheSameEvents() {
        let samples = (0..<3).map { sample(path: $0, id: "1", published: 7) }
        let chosen = SharedClocks.choose([clock(error: 90), clock(error: 10), ClockTrack([])], samples: samples)
        #expect(chosen.map(\.error) == [10, 10, 10])
    }

    @Test func equalIDsWithOtherTimesAreAnotherPublishers() {
        let samples = [sample(path: 0, id: "1", published: 7), sample(path: 1, id: "1", published: 8)]
        let chosen = SharedClocks.choose([clock(error: 90), clock(error: 10)], samples: samples)
        #expect(chosen.map(\.error) == [90, 10])
    }

    @Test func withoutPublishTimesEachKeepsItsOwn() {
        let samples = (0..<2).map { Samples.sample(path: $0, id: "1", at: 5) }
        let chosen = SharedClocks.choose([ClockTrack([]), clock(error: 10)], samples: samples)
        #expect(chosen.map(\.error) == [nil, 10])
    }
}
