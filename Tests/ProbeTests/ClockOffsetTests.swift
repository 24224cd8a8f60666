// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing
import Transport

@testable import Probe

@Suite("The origin's clock against ours")
struct ClockOffsetTests {
    @Test func fourTimestampsGiveOffsetAndBound() throws {
        // The origin's clock is 1000 ahead; 30 there, 10 at work, 50 back.
        let offset = try #require(ClockOffset(asked: 100, received: 1_130, sent: 1_140, answered: 190))
        #expect(offset.offset == 990)
        #expect(offset.error == 40)
        #expect(abs(offset.offset - 1_000) <= offset.error)
    }

    @Test(
        arguments: [
            (100, 1_000, 1_200, 190), (100, 1_000, 900, 190), (100, 1_000, 1_000, 90), (100, 0, 0, 190),
            (100, .max, .max, 190), (.min, 1, 1, .max), (100, .min, .max, 200),
        ] as [(Int64, Int64, Int64, Int64)])
    func timestampsThatContradictEachOtherGiveNone(asked: Int64, received: Int64, sent: Int64, answered: Int64) {
        #expect(ClockOffset(asked: asked, received: received, sent: sent, answered: answered) == nil)
    }

    @Test func betweenTwoEstimatesTheOffsetIsALine() {
        let track = ClockTrack([
            ClockOffset(offset: 200, error: 5, time: 2_000), ClockOffset(offset: 100, error: 9, time: 1_000),
        ])
        #expect([0, 1_000, 1_500, 2_000, 9_000].map { track.offset(at: $0) } == [100, 100, 150, 200, 200])
        #expect(track.error == 9)
    }

    @Test func withoutEstimateThereIsNoLatency() {
        let sample = Samples.sample(published: 5, at: 7)
        #expect(ClockTrack([]).latency(of: sample) == nil)
        let track = ClockTrack([ClockOffset(offset: 0, error: 1, time: 0)])
        #expect(track.latency(of: sample) == 2_000_000)
    }

    @Test func anOriginOnThisMachineHasOurClock() throws {
        let own = ClockOffset.own(unix: Clock.unix(), monotonic: Clock.monotonic())
        let measured = ClockOffset(offset: own + 20_000, error: 1_000_000, time: 5)
        let loopback = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        let remote = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        #expect(abs(ClockEstimator.recognisingOwnClock(measured, peer: loopback).offset - own) < 1_000_000)
        #expect(ClockEstimator.recognisingOwnClock(measured, peer: remote) == measured)
        let other = ClockOffset(offset: own + 5_000_000_000, error: 1_000_000, time: 5)
        #expect(ClockEstimator.recognisingOwnClock(other, peer: loopback) == other)
    }
}
