// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

/// Whether a value is within 3 % of what it should be.
func isNear(_ value: Double?, _ truth: Double) -> Bool {
    value.map { abs($0 - truth) <= truth * 0.03 } ?? false
}

@Suite("Timers of simulated paths")
struct IdleTimersTests {
    typealias Path = IdleSimulation.Path

    /// The defaults that are met most often, and small ones.
    @Test(arguments: [6.0, 10, 15, 30, 55, 60, 100, 120, 125, 300], [1, 2] as [UInt64])
    func anIdleTimeoutIsFoundExactly(seconds: Double, seed: UInt64) {
        let judgement = IdleSimulation.judge(Path(idle: seconds), upTo: 360, seed: seed)
        #expect(judgement.idle.status == .found)
        #expect(isNear(judgement.idle.seconds, seconds))
        #expect(judgement.idle.confidence == .high)
        #expect(judgement.idleIsOutlived)
        #expect(judgement.lifetime.status == .noneSeen)
        #expect(judgement.lifetime.survived > 350)
        #expect(judgement.unexplained.isEmpty)
        #expect(judgement.shutdowns.isEmpty)
    }

    @Test(arguments: [12.0, 15, 30, 60, 120, 300], [1, 2] as [UInt64])
    func aMaximumLifetimeIsFoundExactly(seconds: Double, seed: UInt64) {
        let judgement = IdleSimulation.judge(Path(lifetime: seconds), upTo: 360, seed: seed)
        #expect(judgement.lifetime.status == .found)
        #expect(isNear(judgement.lifetime.seconds, seconds))
        #expect(judgement.lifetime.confidence == .high)
        #expect(judgement.idle.status == .outOfReach)
        #expect(judgement.idle.survived > seconds * 0.9)
        #expect(judgement.unexplained.isEmpty)
        #expect(judgement.shutdowns.isEmpty)
    }

    @Test(arguments: [(6.0, 20.0), (15, 60), (60, 300), (30, 45)])
    func bothTimersAreFoundInOneRun(idle: Double, lifetime: Double) {
        let judgement = IdleSimulation.judge(Path(idle: idle, lifetime: lifetime), upTo: 360)
        #expect(isNear(judgement.idle.seconds, idle))
        #expect(isNear(judgement.lifetime.seconds, lifetime))
        #expect(judgement.idle.confidence == .high)
        #expect(judgement.lifetime.confidence == .high)
    }

    @Test func aRunEndsEarlyWhenBothAreKnown() {
        var simulation = IdleSimulation(Path(idle: 6, lifetime: 20))
        _ = simulation.run(IdleCampaign(upTo: 360, source: .headwater))
        #expect(simulation.now < 30)
    }

    @Test func withoutTimersNoneIsSeen() {
        let judgement = IdleSimulation.judge(Path(), upTo: 360)
        #expect(judgement.idle.status == .noneSeen)
        #expect(judgement.idle.survived > 350)
        #expect(judgement.lifetime.status == .noneSeen)
        #expect(judgement.lifetime.survived > 359)
        #expect(judgement.shutdowns.isEmpty)
    }

    /// Traffic Server: timers are looked at once a second, so ends lie up to a second above the value.
    @Test(arguments: [6.0, 30, 60], [1, 2, 3] as [UInt64])
    func aTimerThatIsLookedAtOnceASecondIsFoundWithinThatSecond(seconds: Double, seed: UInt64) throws {
        let idle = IdleSimulation.judge(Path(idle: seconds, granularity: 1), upTo: 360, seed: seed)
        let value = try #require(idle.idle.seconds)
        #expect((seconds...(seconds + 0.5)).contains(value))
        #expect(idle.idle.confidence == .high)
        #expect(idle.shutdowns.isEmpty)
        let life = IdleSimulation.judge(Path(lifetime: seconds + 6, granularity: 1), upTo: 360, seed: seed)
        let age = try #require(life.lifetime.seconds)
        #expect(((seconds + 6)...(seconds + 6.5)).contains(age))
        #expect(life.shutdowns.isEmpty)
    }

    /// The first quiet stream may be ended half a second younger than every stream with bytes: still for its age.
    @Test(arguments: [12.0, 36, 66], Array(1...40) as [UInt64])
    func aCoarseLifetimeIsNoIdleTimeoutOfItsYoungest(seconds: Double, seed: UInt64) {
        let judgement = IdleSimulation.judge(Path(lifetime: seconds, granularity: 1), upTo: 360, seed: seed)
        #expect(judgement.idle.status == .outOfReach)
        #expect(judgement.lifetime.status == .found)
    }

    /// A congested way: ends come up to half a second late.
    @Test(arguments: [10.0, 30, 60], [1, 2, 3] as [UInt64])
    func jitterDoesNotMoveTheValue(seconds: Double, seed: UInt64) {
        let judgement = IdleSimulation.judge(Path(idle: seconds, late: 0.25), upTo: 200, seed: seed)
        #expect(isNear(judgement.idle.seconds, seconds))
        #expect(judgement.idle.confidence == .high)
    }

    /// Varnish's send_timeout.
    @Test(arguments: [12.0, 100])
    func aLifetimeThatWaitsForWritesIsTakenFromTheBusiestStreams(seconds: Double) {
        let judgement = IdleSimulation.judge(Path(lifetime: seconds, waitsForWrites: true), upTo: 200)
        #expect(isNear(judgement.lifetime.seconds, seconds))
        #expect(judgement.lifetimeWaitsForWrites)
        #expect(judgement.idle.status == .noneSeen)
        #expect(judgement.unexplained.isEmpty)
    }

    /// Headwater's --max-stream-lifetime takes up to a tenth off each stream's.
    @Test(arguments: [12.0, 60, 300])
    func aServerThatEndsItsStreamsIsNoTimerOfAHop(seconds: Double) {
        let judgement = IdleSimulation.judge(Path(lifetime: seconds, spread: 0.1, cut: .complete), upTo: 360)
        #expect(isNear(judgement.lifetime.seconds, seconds))
        #expect(judgement.lifetimeIsServers)
        #expect(judgement.idle.status == .outOfReach)
    }
}
