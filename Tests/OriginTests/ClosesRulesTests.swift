// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

/// Each rule, on both sides of each of its tolerances.
@Suite struct ClosesRulesTests {
    // MARK: 1, ours

    @Test(arguments: [
        (OriginClose.drain, CloseReason.drain), (.durationComplete, .durationComplete), (.maxLifetime, .maxLifetime),
        (.slowConsumer(.bytes(1_048_577)), .slowConsumer), (.slowConsumer(.seconds(30)), .slowConsumer),
        (.slowConsumer(.fellOffRing), .slowConsumer), (.shutdown, .shutdown),
        (.protocolError("DATA on stream 0"), .protocolError),
    ])
    func whatWeEndedIsCertain(cause: OriginClose, reason: CloseReason) {
        var evidence = CloseEvidence(
            ending: .origin(cause), httpVersion: .http2, stream: 1, connection: 1, peer: "10.0.0.1",
            endNanoseconds: nanoseconds(100), ageNanoseconds: nanoseconds(80), idleNanoseconds: nanoseconds(60))
        evidence.writeBlockedNanoseconds = nanoseconds(10)
        let verdict = classify(evidence, among: ClosePopulation())
        #expect(verdict.reason == reason)
        #expect(verdict.confidence == .certain)
    }

    // MARK: 2, slow consumers

    @Test(arguments: [(0.999, CloseReason.clientClosed), (1.0, .slowConsumer)])
    func blockedForASecondIsSlow(blocked: Double, reason: CloseReason) throws {
        var scenario = CloseScenario(end: .reset)
        scenario.add(.init(at: 100, age: 50, idle: 5, blocked: blocked))
        #expect(try scenario.last().reason == reason)
    }

    @Test func userTimeoutOfAShutWindowIsASlowConsumerAndMayBeTheNetwork() throws {
        var scenario = CloseScenario(end: .timedOut(errno: 110))
        scenario.add(.init(at: 100, age: 50, idle: 30, blocked: 30))
        let verdict = try scenario.last()
        #expect(verdict.reason == .slowConsumer)
        #expect(verdict.confidence == .medium)
        #expect(verdict.evidence.contains(Finding(.fits, "network_failure")))
    }

    // MARK: 3, the network

    @Test(arguments: [
        PeerEnd.timedOut(errno: 110), .timedOut(errno: 113), .writeFailed(errno: 110), .writeFailed(errno: 101),
    ])
    func kernelThatGivesUpIsANetworkFailure(end: PeerEnd) throws {
        var scenario = CloseScenario(end: end)
        scenario.add(.init(at: 100, age: 50, idle: 30))
        let verdict = try scenario.last()
        #expect(verdict.reason == .networkFailure)
        #expect(verdict.confidence == .certain)
    }

    @Test func brokenPipeIsNoNetworkFailure() throws {
        var scenario = CloseScenario(end: .writeFailed(errno: 32))
        scenario.add(.init(at: 100, age: 50, idle: 15, sinceWrite: 0))
        #expect(try scenario.last().reason == .clientClosed)
    }

    // MARK: 4, idle timers

    @Test(arguments: [
        ([5.003, 5.001, 5.002], CloseReason.idleTimeout),  // milliseconds apart
        ([5.0, 5.0], .clientClosed),  // two are no population
        ([5.0, 5.0, 6.2], .clientClosed),  // beyond a timer's lateness
        ([5.0, 5.5, 5.9], .clientClosed),  // within it, but three of such are coincidence
        ([5.0, 5.5, 5.9, 5.2, 5.3, 5.7, 5.1, 5.6, 5.4, 5.8], .idleTimeout),  // ten of such are not
        ([60.0, 60.3, 60.9], .idleTimeout),  // a second of sixty
        ([300.0, 302.9, 301.2, 300.4], .idleTimeout),  // 1 %
        ([0.98, 0.981, 0.982], .clientClosed),  // no timer is that short
        ([0.990, 0.991, 0.992], .idleTimeout),
    ])
    func endsAtOneIdleTimeAreATimer(idle: [Double], reason: CloseReason) throws {
        var scenario = CloseScenario(heartbeat: nil)
        for (index, idle) in idle.enumerated() {
            scenario.add(.init(at: 1_000 + 100 * Double(index), age: idle + 17 * Double(index), idle: idle, events: 1))
        }
        #expect(try scenario.last().reason == reason)
    }

    @Test func theFirstTwoEndsOfAPopulationAreNotKnowable() {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<4 {
            scenario.add(.init(at: 100 + 70 * Double(index), age: 61 + 9 * Double(index), idle: 60.002))
        }
        #expect(scenario.reasons() == [.clientClosed, .clientClosed, .idleTimeout, .idleTimeout])
    }

    @Test func streamThatLivedThroughALongerPauseDidNotIdleOut() throws {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<5 {
            scenario.add(
                .init(
                    at: 100 + 70 * Double(index), age: 60 + 9 * Double(index), idle: 5.001, longestPause: 7, events: 2))
        }
        #expect(try scenario.last().reason == .clientClosed)
    }

    @Test(arguments: [(15.9, CloseReason.clientClosed), (16.1, .idleTimeout)])
    func oneCloseIsEnoughWhenAHeartbeatIsOverdue(idle: Double, reason: CloseReason) throws {
        var scenario = CloseScenario(heartbeat: 15)
        scenario.add(.init(at: 100, age: 80, idle: idle))
        let verdict = try scenario.last()
        #expect(verdict.reason == reason)
        #expect(verdict.heartbeatsSwallowed == (reason == .idleTimeout))
    }

    @Test func timerThatCountsEventsOnlySwallowsHeartbeats() throws {
        var scenario = CloseScenario(heartbeat: 15)
        for (index, idle) in [3.1, 12.2, 7.5, 9.9].enumerated() {
            scenario.add(
                .init(
                    at: 1_000 + 100 * Double(index), age: 70 + 31 * Double(index), idle: idle, eventIdle: 60.002,
                    events: 4))
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == .idleTimeout)
        #expect(verdict.heartbeatsSwallowed)
        #expect(verdict.suspectedTimeoutSeconds == 60.002)
    }

    @Test(arguments: [
        (60.004, 60.004, CloseReason.idleTimeout),  // siblings alike, at a known timer
        (60.004, 60.054, .idleTimeout),
        (60.004, 60.056, .clientClosed),  // siblings differ
        (37.4, 37.4, .clientClosed),  // alike because one event went to all, at a value nobody configures
    ])
    func connectionThatEndsUnderSiblingsOfOneIdleTimeIdledOut(mine: Double, sibling: Double, reason: CloseReason) throws
    {
        var scenario = CloseScenario(end: .tcpEndUnderOpenStreams(reset: false), heartbeat: nil)
        scenario.add(.init(at: 1_000, age: 100, idle: sibling, connection: 7))
        scenario.add(.init(at: 1_000, age: 100.2, idle: mine, connection: 7))
        #expect(try scenario.last().reason == reason)
    }

    @Test func goAwayOfHttpdsTimerIsCertainOnTheFirstClose() throws {
        var scenario = CloseScenario(end: .goAway(code: 70_007, debug: "timeout \"now\"\n"), heartbeat: 15)
        scenario.add(.init(at: 100, age: 80, idle: 5))
        let verdict = try scenario.last()
        #expect(verdict.reason == .idleTimeout)
        #expect(verdict.confidence == .certain)
        #expect(verdict.evidence.contains(Finding(.text, "timeout__now__")))
    }

    @Test(arguments: [(4, CloseReason.clientClosed), (5, .idleTimeout)])
    func distinctPeersAtOneIdleTimeAreATimer(peers: Int, reason: CloseReason) throws {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<peers {
            let idle = 124.6 + [0.0, 1.9, 0.7, 3.1, 0.9][index]
            scenario.add(
                .init(
                    at: 1_000 + 21 * Double(index), age: idle + 40 * Double(index), idle: idle, peer: "10.0.1.\(index)")
            )
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == reason)
        if reason == .idleTimeout {
            #expect(SuspectedTimeout(seconds: try #require(verdict.suspectedTimeoutSeconds)) == .seconds125)
        }
    }

    // MARK: 5, maximum lifetimes

    @Test(arguments: [
        (14.98, CloseReason.clientClosed), (14.99, .intermediaryMaxLifetime), (15.0, .intermediaryMaxLifetime),
        (16.0, .intermediaryMaxLifetime), (16.01, .clientClosed),
    ])
    func ageOfAnAnnouncedLimitIsAMaximum(age: Double, reason: CloseReason) throws {
        var scenario = CloseScenario()
        scenario.add(.init(at: 100, age: age, idle: 3, announced: 15_000))
        #expect(try scenario.last().reason == reason)
    }

    @Test(arguments: [
        ([302.0, 302.4, 302.1], [3.0, 11, 7], CloseReason.intermediaryMaxLifetime),
        ([302.0, 302.4], [3.0, 11], .clientClosed),
        ([302.0, 302.4, 306.0], [3.0, 11, 7], .clientClosed),
        ([15.001, 15.002, 15.001], [0.03, 0.08, 0.055], .intermediaryMaxLifetime),  // busy: no idle timer is that short
    ])
    func endsAtOneAgeAreAMaximum(ages: [Double], idle: [Double], reason: CloseReason) throws {
        var scenario = CloseScenario(heartbeat: 15)
        for (index, (age, idle)) in zip(ages, idle).enumerated() {
            scenario.add(
                .init(
                    at: 1_000 + 77 * Double(index), age: age, idle: idle, eventIdle: idle, lastPause: 0.1, events: 150))
        }
        #expect(try scenario.last().reason == reason)
    }

    @Test func maximumThatFiresOnAWriteIsFoundByHeartbeatsOnceItIsFarAboveTheirInterval() throws {
        // Varnish's send_timeout of 600 s on quiet streams: found at the first heartbeat after it.
        var scenario = CloseScenario(heartbeat: 15)
        for index in 0..<6 {
            scenario.add(
                .init(
                    at: 2_000 + 200.7 * Double(index), age: 601 + 2.3 * Double(index), idle: 0.001, eventIdle: 300,
                    events: 1))
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == .intermediaryMaxLifetime)
        #expect(verdict.confidence == .low)
    }

    @Test func distinctPeersAtOneAgeAreAMaximum() throws {
        var scenario = CloseScenario(heartbeat: 15)
        for (index, idle) in [3.0, 14, 9, 6, 1].enumerated() {
            scenario.add(
                .init(at: 1_000 + 33 * Double(index), age: 302 + 0.3 * idle, idle: idle, peer: "10.0.1.\(index)"))
        }
        #expect(try scenario.last().reason == .intermediaryMaxLifetime)
    }

    // MARK: 6, shutdowns

    @Test(arguments: [
        (0.0, 100.0, CloseReason.intermediaryShutdown),
        (0.049, 100, .intermediaryShutdown),
        (0.061, 100, .clientClosed),  // not one moment: 50 ms, to a tick of 10 ms
        (0.0, 50.499, .clientClosed),  // the same age: one page
        (0.0, 50.5, .intermediaryShutdown),
    ])
    func streamsOfDifferentAgesInOneMomentAreAShutdown(apart: Double, otherAge: Double, reason: CloseReason) {
        var scenario = CloseScenario()
        scenario.add(.init(at: 1_000, age: 50, idle: 3.3))
        scenario.add(.init(at: 1_000 + apart, age: otherAge + apart, idle: 7.7))
        #expect(scenario.reasons() == [reason, reason], "neighbours count on both sides")
    }

    @Test func restartOfAnIntermediaryIsSureWhenManyConnectionsEnd() {
        var scenario = CloseScenario()
        for index in 0..<12 {
            scenario.add(
                .init(at: 1_000 + 0.002 * Double(index), age: 50 + 9 * Double(index), idle: 0.3 + Double(index)))
        }
        for verdict in scenario.verdicts() {
            #expect(verdict.reason == .intermediaryShutdown)
            #expect(verdict.confidence == .high)
        }
    }

    @Test func restartUnderThousandsOfStreamsIsAShutdownToTheLast() {
        var scenario = CloseScenario()
        for index in 0..<4_000 {
            scenario.add(
                .init(
                    at: 1_000 + 0.00005 * Double(index), age: 50 + Double(index % 977), idle: 0.3 + Double(index % 13)))
        }
        let wrong = scenario.reasons().filter { $0 != .intermediaryShutdown }
        #expect(wrong.isEmpty)
    }

    @Test func pageThatResetsItsStreamsOnALivingConnectionIsNoShutdown() {
        var scenario = CloseScenario(end: .rstStream(code: 8))
        scenario.add(.init(at: 1_000, age: 50, idle: 3.3, connection: 7))
        scenario.add(.init(at: 1_000.01, age: 90, idle: 3.3, connection: 7))
        #expect(scenario.reasons() == [.clientClosed, .clientClosed])
    }

    @Test(arguments: [
        (7, 0.02, CloseReason.intermediaryShutdown),
        (7, 0.09, .intermediaryShutdown),
        (7, 0.12, .clientClosed),  // judged before
        (8, 0.02, .clientClosed),  // another connection's end
    ])
    func hopThatResetsItsStreamsBeforeItEndsTheConnectionIsAShutdown(
        connection: UInt64, later: Double, reason: CloseReason
    ) {
        var scenario = CloseScenario(end: .rstStream(code: 2))
        scenario.add(.init(at: 1_000, age: 50, idle: 3.3, connection: 7))
        scenario.add(.init(at: 1_000.001, age: 90, idle: 3.3, connection: 7))
        scenario.connectionEnds = [(connection, 1_000 + later)]
        #expect(scenario.reasons() == [reason, reason])
    }

    // MARK: 7 and 8, clients

    @Test(arguments: [(0.050, "found_by_write"), (0.051, "nothing_known")])
    func endWithin50MillisecondsOfAWriteWasFoundByIt(idle: Double, rule: String) throws {
        var scenario = CloseScenario()
        scenario.add(.init(at: 100, age: 80, idle: idle, eventIdle: 15 + idle))
        let verdict = try scenario.last()
        #expect(verdict.reason == .clientClosed)
        #expect(verdict.evidence.first == Finding(.rule, rule))
    }

    // MARK: Labels

    @Test(arguments: [
        (59.98, SuspectedTimeout.other), (59.99, .seconds60), (61.0, .seconds60), (61.01, .other), (303.0, .seconds300),
        (303.1, .other), (121.2, .seconds120), (125.3, .seconds125), (5.0, .other),
    ])
    func suspectedTimeoutsAreLabelledFromAboveTheTimer(seconds: Double, label: SuspectedTimeout) {
        #expect(SuspectedTimeout(seconds: seconds) == label)
    }
}
