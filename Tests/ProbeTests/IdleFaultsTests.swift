// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("What is no timer, or nobody's timer, or a whole connection's")
struct IdleFaultsTests {
    typealias Path = IdleSimulation.Path

    @Test(arguments: [8.0, 40, 200])
    func endsInOneMomentAreAShutdown(seconds: Double) {
        let judgement = IdleSimulation.judge(Path(shutdown: seconds), upTo: 360)
        #expect(judgement.shutdowns.count == 1)
        #expect(judgement.shutdowns.first?.isSilent == false)
        #expect(judgement.idle.status == .noneSeen)
        #expect(judgement.lifetime.status == .noneSeen)
    }

    @Test func aShutdownDoesNotHideTheIdleTimerThatFiredBefore() {
        let judgement = IdleSimulation.judge(Path(idle: 10, shutdown: 100), upTo: 360)
        #expect(isNear(judgement.idle.seconds, 10))
        #expect(judgement.shutdowns.count == 1)
        #expect(judgement.lifetime.status == .noneSeen)
    }

    @Test(arguments: [6.0, 20, 60])
    func idleStreamsThatAreForgottenAreFoundByBytesThatStayAway(seconds: Double) {
        let judgement = IdleSimulation.judge(Path(idle: seconds, isSilent: true), upTo: 360)
        #expect(judgement.idle.isSilent)
        #expect(isNear(judgement.idle.seconds, seconds))
        #expect(judgement.lifetime.status == .noneSeen)
    }

    @Test(arguments: [12.0, 60])
    func streamsThatAreForgottenAtAnAgeAreNotTakenForIdle(seconds: Double) {
        let judgement = IdleSimulation.judge(Path(lifetime: seconds, isSilent: true), upTo: 200)
        #expect(judgement.lifetime.isSilent)
        #expect(isNear(judgement.lifetime.seconds, seconds))
        #expect(judgement.idle.status == .outOfReach)
    }

    @Test func aWayThatIsGoneIsASilentShutdown() throws {
        let judgement = IdleSimulation.judge(Path(isSilent: true, shutdown: 30), upTo: 90)
        let shutdown = try #require(judgement.shutdowns.first)
        #expect(shutdown.isSilent)
        #expect(abs(shutdown.at - 30) < 0.5)
        #expect(judgement.idle.status != .found)
        #expect(judgement.lifetime.status == .noneSeen)
        #expect(judgement.lifetime.survived < 31)
    }

    /// nghttpx and Caddy over HTTP/2 to the origin: as long as any stream is busy, no stream is idle.
    @Test(arguments: [6.0, 60])
    func aTimerOfAWholeConnectionIsFoundBeforeAnyStreamIsBusy(seconds: Double) {
        let path = Path(idle: seconds, sharesOrigin: true, watchesConnection: true)
        let judgement = IdleSimulation.judge(path, upTo: 360)
        #expect(isNear(judgement.idle.seconds, seconds))
        #expect(judgement.idle.confidence == .high)
        #expect(judgement.scope == .connection)
        #expect(judgement.shutdowns.isEmpty)
    }

    /// Envoy and HAProxy over HTTP/2 to the origin.
    @Test(arguments: [6.0, 60])
    func aTimerOfEachStreamOnASharedConnectionIsToldApart(seconds: Double) {
        let judgement = IdleSimulation.judge(Path(idle: seconds, sharesOrigin: true), upTo: 360)
        #expect(isNear(judgement.idle.seconds, seconds))
        #expect(judgement.idle.confidence == .high)
        #expect(judgement.scope == .stream)
    }

    @Test func busySiblingsOnTheClientsConnectionShowWhatIsWatched() {
        #expect(IdleSimulation.judge(Path(idle: 10), upTo: 60, canShare: true).scope == .stream)
        #expect(IdleSimulation.judge(Path(idle: 10), upTo: 60).scope == nil)
    }

    @Test func oneEndProvesNothing() {
        var stream = HeldStream(number: 0, role: .asIs, opened: 0, lastArrival: 0, until: 30)
        stream.end = .init(at: 30, how: .closed)
        let judgement = TimerClassifier([stream]).judge()
        #expect(judgement.idle.confidence == .low)
        #expect(judgement.idle.isAmbiguous)
    }

    @Test func nothingHeldIsNothingKnown() {
        let judgement = TimerClassifier([]).judge()
        #expect(judgement.idle.status == .unknown)
        #expect(judgement.lifetime.status == .unknown)
    }
}

@Suite("A client that is kept from reading")
struct IdleStallTests {
    /// A machine that stalled: one stream's bytes were read half a second late, so its pause looks longer than the timer.
    @Test func onePauseThatWasReadLateDoesNotHideATimer() {
        var simulation = IdleSimulation(.init(idle: 6))
        var streams = simulation.run(IdleCampaign(upTo: 24, source: .headwater))
        guard let slow = streams.firstIndex(where: { $0.interval == 5.5 }) else {
            Issue.record("no stream with bytes every 5.5 s")
            return
        }
        streams[slow].longestPause = 6.3
        let judgement = TimerClassifier(streams).judge()
        #expect(isNear(judgement.idle.seconds, 6))
        #expect(judgement.idle.confidence == .high)
    }

    @Test func endsThatManyStreamsOutlivedInSilenceAreNoIdleTimer() {
        var streams = (0..<6).map { number in
            var stream = HeldStream(
                number: number, role: .asIs, opened: Double(number), lastArrival: 90 + Double(number), until: 100)
            stream.longestPause = 5.2
            return stream
        }
        streams[0].end = .init(at: 95, how: .closed)
        streams[0].until = 95
        #expect(TimerClassifier(streams).judge().idle.status == .noneSeen)
    }
}
