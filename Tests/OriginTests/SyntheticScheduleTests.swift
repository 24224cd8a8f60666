// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import NIOCore
import Testing

@testable import Origin

@Suite struct SyntheticScheduleTests {
    private func gaps(_ parameters: SyntheticParameters, count: UInt64) -> [Int64] {
        (1...count).map { SyntheticSchedule.gap(before: $0, parameters: parameters) }
    }

    @Test(arguments: SyntheticProfile.allCases, [10, 100, 60_000])
    func theMeanGapIsTheInterval(profile: SyntheticProfile, interval: Int) {
        for seed in 1...2 as ClosedRange<UInt64> {
            let parameters = SyntheticParameters(intervalMilliseconds: interval, profile: profile, seed: seed)
            let gaps = self.gaps(parameters, count: 24_000)
            let mean = Double(gaps.reduce(0, +)) / Double(gaps.count) / 1e6
            // The pauses of llm scatter its mean: 24,000 events have a standard error of 0.9 percent.
            let tolerance = profile == .llm ? 0.036 : 0
            #expect(abs(mean / Double(interval) - 1) <= tolerance)
        }
    }

    @Test(arguments: SyntheticProfile.allCases)
    func equalParametersMakeEqualGaps(profile: SyntheticProfile) {
        let parameters = SyntheticParameters(profile: profile, seed: 3)
        #expect(self.gaps(parameters, count: 1000) == self.gaps(parameters, count: 1000))
    }

    @Test func theSeedChangesTheGapsOfLLMAlone() {
        for profile in SyntheticProfile.allCases {
            let one = self.gaps(SyntheticParameters(profile: profile, seed: 1), count: 1000)
            let two = self.gaps(SyntheticParameters(profile: profile, seed: 2), count: 1000)
            #expect((one == two) == (profile != .llm))
        }
    }

    @Test func steadyIsOneEventEachInterval() {
        let gaps = self.gaps(SyntheticParameters(intervalMilliseconds: 20), count: 100)
        #expect(gaps.allSatisfy { $0 == 20_000_000 })
    }

    @Test func burstIsEightEventsAtOnceAndEightIntervalsOfSilence() {
        let gaps = self.gaps(SyntheticParameters(intervalMilliseconds: 10, profile: .burst), count: 24)
        let burst = [80_000_000] + [Int64](repeating: 0, count: 7)
        #expect(gaps == burst + burst + burst)
    }

    @Test func llmIsShortGapsAndALongPauseNowAndThen() {
        let gaps = self.gaps(SyntheticParameters(intervalMilliseconds: 100, profile: .llm), count: 64_000)
        let pauses = gaps.count { $0 == 875_000_000 }
        #expect(1800...2200 ~= pauses, "one in 32")
        let short = gaps.filter { $0 != 875_000_000 }
        #expect(short.allSatisfy { 50_000_000...100_000_000 ~= $0 })
        #expect(Set(short).count > 500)
    }

    // MARK: Payload

    private struct Payload: Decodable {
        var seq: UInt64
        var ts: Int64
        var pad: String
    }

    @Test(arguments: [1, 1_000_000, .max] as [UInt64], [0, 1_790_000_000_123_456_789] as [Int64])
    func thePayloadHasTheExactSizeOverTheWholeBounds(sequence: UInt64, time: Int64) {
        var buffer = ByteBuffer()
        for size in SyntheticParameters.sizeBounds where size < 2000 || size.isMultiple(of: 997) || size > 65_500 {
            buffer.clear()
            SyntheticPayload.write(sequence: sequence, unixNanoseconds: time, size: size, into: &buffer)
            #expect(buffer.readableBytes == size)
        }
    }

    @Test(arguments: [64, 65, 256, 65_536])
    func thePayloadIsJSONWithItsSequenceAndTime(size: Int) throws {
        var buffer = ByteBuffer(string: "before")
        SyntheticPayload.write(sequence: 77, unixNanoseconds: 1_790_000_000_123_456_789, size: size, into: &buffer)
        #expect(buffer.readString(length: 6) == "before")
        let payload = try JSONDecoder().decode(Payload.self, from: Data(buffer.readableBytesView))
        #expect(payload.seq == 77)
        #expect(payload.ts == 1_790_000_000_123_456_789)
        #expect(payload.pad.allSatisfy { $0 == "x" })
    }
}
