// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

/// Incidents that look like a timer or a restart and are none, and those that do not look like it and are.
@Suite struct ClosesFalseVerdictsTests {
    @Test(arguments: [UInt64(1), 2, 3])
    func deployOfTheClientIsNoIdleTimeoutOfAThousandBrowsers(seed: UInt64) {
        // All were sent the same event 20 s ago, so all have nearly the same idle time; they leave within five seconds.
        var soup = Soup(state: seed)
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<1_000 {
            let late = soup.seconds(0...5)
            scenario.add(
                .init(
                    at: 1_000 + late, age: soup.seconds(60...3_600), idle: 20 + late,
                    peer: "10.1.\(index / 250).\(index % 250)"))
        }
        #expect(Set(scenario.reasons()) == [.clientClosed])
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func deployOfTheClientBehindOneProxyIsNoIdleTimeout(seed: UInt64) {
        var soup = Soup(state: seed)
        var scenario = CloseScenario(heartbeat: nil)
        for _ in 0..<1_000 {
            let late = soup.seconds(0...5)
            scenario.add(.init(at: 1_000 + late, age: soup.seconds(60...3_600), idle: 20 + late))
        }
        let reasons = scenario.reasons()
        let lifetimes = reasons.filter { $0 == .intermediaryMaxLifetime }.count
        #expect(lifetimes <= 5)
        // Its beginning cannot be told from a restart: 100 ms later nobody knows yet that it goes on for seconds. And
        // an idle time that passes a whole second may look configured for a moment, but then only with low
        // confidence.
        let left = reasons.filter { $0 == .clientClosed }.count
        #expect(left > 850)
        for verdict in scenario.verdicts() where verdict.reason == .idleTimeout { #expect(verdict.confidence == .low) }
    }

    @Test func streamsThatOpenAndLeaveTogetherHaveNoIdleTimeoutInCommon() {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<50 { scenario.add(.init(at: 1_000 + 0.0005 * Double(index), age: 37.2, idle: 37.2)) }
        for verdict in scenario.verdicts() {
            #expect(verdict.reason == .clientClosed)
            #expect(verdict.confidence == .low)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func clientsThatLeaveAtRandomAreNoTimerAndNoShutdown(seed: UInt64) {
        // nginx passes leaves on at once; heartbeats every 15 s keep its 60 s timer from ever firing.
        var soup = Soup(state: seed)
        var scenario = CloseScenario(heartbeat: 15)
        var now = 1_000.0
        for _ in 0..<1_000 {
            now += -2 * Double.log(soup.seconds(0.000001...1))
            let idle = soup.seconds(0...15)
            scenario.add(.init(at: now, age: idle + soup.seconds(0...900), idle: idle))
        }
        let wrong = scenario.verdicts().filter { $0.reason != .clientClosed }
        #expect(wrong.count <= 10, "one in a hundred, by the rules' own allowance for coincidence")
        #expect(!wrong.contains { $0.confidence >= .high })
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func churnOfABusyPeerIsNoShutdown(seed: UInt64) {
        // A hundred leaves a second: each has some ten neighbours within 50 ms, of all ages.
        var soup = Soup(state: seed)
        var scenario = CloseScenario(heartbeat: 15)
        for index in 0..<2_000 {
            let idle = soup.seconds(0...15)
            scenario.add(
                .init(
                    at: 1_000 + 0.01 * Double(index) + soup.seconds(0...0.01), age: idle + soup.seconds(0...900),
                    idle: idle))
        }
        // Only the first tenths of a second have nothing ordinary to be compared with.
        let wrong = scenario.reasons().dropFirst(100).filter { $0 != .clientClosed }
        #expect(wrong.count <= 19)
    }

    @Test func leavesThatHeartbeatsFindAreNoMaximumLifetime() {
        // HAProxy on quiet streams: who left is found at age 15, 30 or 45, to the millisecond.
        var soup = Soup(state: 7)
        var scenario = CloseScenario(end: .reset, heartbeat: 15)
        for index in 0..<300 {
            let beats = Double(Int.random(in: 1...4, using: &soup))
            scenario.add(.init(at: 1_000 + 3.3 * Double(index), age: 15 * beats + 0.002, idle: 0.001))
        }
        for verdict in scenario.verdicts() {
            #expect(verdict.reason == .clientClosed)
            #expect(verdict.confidence == .medium)
        }
    }

    @Test func leavesThatOneEventFindsAreNoShutdown() {
        // Eight clients left unnoticed in the last ten seconds; the next event finds them all at once.
        var scenario = CloseScenario(end: .reset, heartbeat: 15)
        for index in 0..<8 {
            scenario.add(
                .init(
                    at: 1_000 + 0.001 * Double(index), age: 60 + 9 * Double(index), idle: 0.002, eventIdle: 0.002,
                    lastPause: 10, events: 6))
        }
        #expect(Set(scenario.reasons()) == [.clientClosed])
    }

    @Test func leaveAmongThoseThatOneEventFindsIsNoShutdownEither() throws {
        var scenario = CloseScenario(end: .reset, heartbeat: 15)
        for index in 0..<8 {
            scenario.add(
                .init(at: 1_000, age: 60 + 9 * Double(index), idle: 0.002, eventIdle: 0.002, lastPause: 10, events: 6))
        }
        scenario.add(.init(at: 1_000.001, age: 33, idle: 4.4, events: 6), end: .fin)
        #expect(try scenario.last().reason == .clientClosed)
    }

    @Test(arguments: [UInt64(1), 2, 3]) func visitsOfAUsualLengthAreNoMaximumLifetime(seed: UInt64) {
        // A bell of two seconds around half a minute: far more ends at 30 s than below, and none of a timer.
        var soup = Soup(state: seed)
        var scenario = CloseScenario(heartbeat: 15)
        for index in 0..<400 {
            let age = 30 + soup.seconds(-2...2) + soup.seconds(-2...2) + soup.seconds(-2...2)
            scenario.add(.init(at: 1_000 + 3.3 * Double(index), age: age, idle: soup.seconds(0.1...14)))
        }
        let lifetimes = scenario.reasons().filter { $0 == .intermediaryMaxLifetime }.count
        #expect(lifetimes <= 20)
    }

    @Test func pageThatIsLeftIsNoConnectionIdleTimeoutAtAWholeSecond() {
        var scenario = CloseScenario(end: .tcpEndUnderOpenStreams(reset: false), heartbeat: nil)
        for _ in 0..<2 { scenario.add(.init(at: 1_000, age: 60.002, idle: 60.002, connection: 7)) }
        #expect(scenario.reasons() == [.clientClosed, .clientClosed])
    }

    @Test(arguments: [0.0, nil]) func failedHeartbeatsAreNoIdleTimeoutAtTheirInterval(sinceWrite: Double?) {
        // The last byte that was accepted is 15 s old when the next heartbeat fails.
        var scenario = CloseScenario(end: .writeFailed(errno: 32), heartbeat: 15)
        for index in 0..<6 {
            scenario.add(
                .init(at: 1_000 + 31 * Double(index), age: 60 + 9.7 * Double(index), idle: 15.0, sinceWrite: sinceWrite)
            )
        }
        for verdict in scenario.verdicts() {
            #expect(verdict.reason == .clientClosed)
            #expect(verdict.confidence == .medium, "a heartbeat found it")
        }
    }

    @Test func proxyWhoseTimerIsShorterThanTheHeartbeatsIdlesOut() throws {
        // HAProxy, `timeout server 5s`, heartbeats every 15 s.
        var scenario = CloseScenario(end: .reset, heartbeat: 15)
        for index in 0..<5 {
            scenario.add(
                .init(
                    at: 1_000 + 21.7 * Double(index), age: 9 + 6.1 * Double(index), idle: 5.002, eventIdle: 5.002,
                    events: 2))
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == .idleTimeout)
        #expect(verdict.confidence == .high)
        #expect(!verdict.heartbeatsSwallowed)
    }

    @Test(arguments: [true, false])
    func routeTimeoutIsAMaximumWhetherBusyOrQuiet(busy: Bool) throws {
        var scenario = CloseScenario(end: .rstStream(code: 2), heartbeat: 15)
        for (index, phase) in [0.31, 0.92, 0.55, 0.07, 0.74].enumerated() {
            let idle = phase * (busy ? 0.1 : 9)
            scenario.add(
                .init(
                    at: 1_000 + 7.7 * Double(index), age: 15.001 + 0.001 * Double(index % 3), idle: idle,
                    eventIdle: idle,
                    lastPause: busy ? 0.1 : 3, events: busy ? 150 : 4))
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == .intermediaryMaxLifetime)
        #expect(verdict.confidence == .high)
    }

    @Test func maximumOfQuietStreamsIsNoIdleTimeoutAlthoughHeartbeatsMakeTheirIdleTimesEqual() throws {
        // Cloud Run: 302 s despite heartbeats. The last of those is at age 300, so each stream is idle for two seconds.
        var scenario = CloseScenario(heartbeat: 15)
        for index in 0..<5 {
            scenario.add(.init(at: 1_000 + 33 * Double(index), age: 302.003, idle: 2.003))
        }
        #expect(try scenario.last().reason == .intermediaryMaxLifetime)
    }

    // MARK: Idle time and age alike

    @Test func quietStreamsThatOpenedTogetherAreAmbiguousAndSaidToBe() {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<3 { scenario.add(.init(at: 1_060 + 0.004 * Double(index), age: 60.002, idle: 60.002)) }
        for verdict in scenario.verdicts() {
            #expect(verdict.reason == .clientClosed)
            #expect(verdict.confidence == .low)
        }
    }

    @Test func quietStreamsThatOpenedApartMetATimerWhicheverItIs() throws {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<4 { scenario.add(.init(at: 1_060 + 3.7 * Double(index), age: 60.002, idle: 60.002)) }
        let verdict = try scenario.last()
        #expect(verdict.reason == .idleTimeout)
        #expect(verdict.confidence == .low)
        #expect(verdict.evidence.contains(Finding(.fits, "intermediary_max_lifetime")))
    }

    @Test func streamThatLivedLongerSettlesThatItIsTheIdleTimer() throws {
        var scenario = CloseScenario(heartbeat: nil)
        scenario.add(.init(at: 990, age: 400, idle: 9))
        for index in 0..<4 { scenario.add(.init(at: 1_060 + 3.7 * Double(index), age: 60.002, idle: 60.002)) }
        let verdict = try scenario.last()
        #expect(verdict.reason == .idleTimeout)
        #expect(verdict.confidence == .medium)
    }

    @Test func streamThatIdledLongerSettlesThatItIsTheMaximum() throws {
        var scenario = CloseScenario(heartbeat: nil)
        scenario.add(.init(at: 990, age: 5, idle: 1, longestPause: 30))
        for index in 0..<4 { scenario.add(.init(at: 1_060 + 3.7 * Double(index), age: 20.002, idle: 20.002)) }
        let verdict = try scenario.last()
        #expect(verdict.reason == .intermediaryMaxLifetime)
        #expect(verdict.confidence == .medium)
    }

    @Test func announcementSettlesThatItIsTheMaximum() throws {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<4 {
            scenario.add(.init(at: 1_060 + 3.7 * Double(index), age: 15.002, idle: 15.002, announced: 15_000))
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == .intermediaryMaxLifetime)
        #expect(verdict.confidence == .high)
    }

    // MARK: One channel, one event, many streams

    @Test func quietChannelThatIdlesOutRoundByRoundIsAnIdleTimeout() throws {
        // Each event reaches all streams at once, so all idle out at once: one observation a round, however many
        // streams.
        var scenario = CloseScenario(heartbeat: nil)
        for round in 0..<4 {
            for index in 0..<20 {
                scenario.add(
                    .init(
                        at: 1_000 + 113.9 * Double(round) + 0.001 * Double(index), age: 70 + 1.7 * Double(index),
                        idle: 60.2 + 0.001 * Double(index), events: 1))
            }
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == .idleTimeout)
        #expect(verdict.evidence.first == Finding(.rule, "idle_population"))
        #expect(verdict.evidence.contains(Finding(.ends, "4")))
    }

    @Test(arguments: [(60.003, CloseReason.idleTimeout), (37.4, .intermediaryShutdown)])
    func oneRoundOfItIsToldFromARestartByItsValueAlone(idle: Double, reason: CloseReason) throws {
        var scenario = CloseScenario(heartbeat: nil)
        for index in 0..<4 {
            scenario.add(.init(at: 1_000 + 0.001 * Double(index), age: 70 + 1.7 * Double(index), idle: idle))
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == reason)
        #expect(verdict.confidence <= .medium)
    }
}

extension Double {
    /// Natural logarithm by its series, so that the tests need no C library: accurate enough to draw waiting times.
    fileprivate static func log(_ value: Double) -> Double {
        var mantissa = value.significand
        mantissa = (mantissa - 1) / (mantissa + 1)
        var sum = 0.0
        var power = mantissa
        for step in stride(from: 1.0, through: 25, by: 2) {
            sum += power / step
            power *= mantissa * mantissa
        }
        return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945
    }
}
