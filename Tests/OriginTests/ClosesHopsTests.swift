// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

/// What each measured intermediary shows its origin, row by row.
@Suite struct ClosesHopsTests {
    struct Hop: CustomTestStringConvertible, Sendable {
        var name: String
        var idleTimer: Double
        var idleEnd: PeerEnd
        /// How far apart the timer's ends lie.
        var jitter: [Double] = [0.001, 0.004, 0.002, 0.003, 0.001]
        var leaveQuiet: PeerEnd?
        /// With heartbeats on; the idle time at which it shows, when a write finds it.
        var leaveHeartbeats: PeerEnd?
        var foundByWrite: Bool
        var slow: PeerEnd?

        var testDescription: String { name }
    }

    static let hops: [Hop] = [
        Hop(
            name: "nginx H1", idleTimer: 60, idleEnd: .fin, leaveQuiet: .fin, leaveHeartbeats: .fin,
            foundByWrite: false, slow: .reset),
        Hop(name: "HAProxy H1", idleTimer: 5, idleEnd: .reset, leaveHeartbeats: .reset, foundByWrite: true, slow: .fin),
        Hop(
            name: "HAProxy H2", idleTimer: 5, idleEnd: .rstStream(code: 8), leaveHeartbeats: .rstStream(code: 8),
            foundByWrite: true, slow: .rstStream(code: 8)),
        Hop(
            name: "Envoy H1", idleTimer: 300, idleEnd: .fin, leaveQuiet: .fin, leaveHeartbeats: .fin,
            foundByWrite: false, slow: .reset),
        Hop(
            name: "Envoy H2", idleTimer: 300, idleEnd: .rstStream(code: 2), leaveQuiet: .rstStream(code: 2),
            leaveHeartbeats: .rstStream(code: 2), foundByWrite: false),
        Hop(
            name: "nghttpx H2", idleTimer: 60, idleEnd: .tcpEndUnderOpenStreams(reset: false),
            leaveQuiet: .rstStream(code: 8), leaveHeartbeats: .rstStream(code: 8), foundByWrite: false,
            slow: .rstStream(code: 8)),
        Hop(
            name: "Caddy h2c", idleTimer: 60, idleEnd: .tcpEndUnderOpenStreams(reset: false),
            leaveQuiet: .rstStream(code: 8), foundByWrite: false, slow: .rstStream(code: 8)),
        Hop(name: "Varnish H1", idleTimer: 60, idleEnd: .fin, leaveHeartbeats: .fin, foundByWrite: true),
        Hop(
            name: "ATS H1", idleTimer: 30, idleEnd: .fin, jitter: [0.2, 0.7, 0.1, 0.5, 0.6], leaveHeartbeats: .fin,
            foundByWrite: true, slow: .reset),
        Hop(name: "httpd H1", idleTimer: 60, idleEnd: .fin, leaveHeartbeats: .fin, foundByWrite: true, slow: .reset),
        Hop(
            name: "httpd H2", idleTimer: 60, idleEnd: .goAway(code: 70_007, debug: ""),
            leaveHeartbeats: .rstStream(code: 5), foundByWrite: false),
    ]

    @Test(arguments: hops) func firingIdleTimerIsAnIdleTimeout(hop: Hop) throws {
        var scenario = CloseScenario(end: hop.idleEnd, heartbeat: nil)
        for (index, jitter) in hop.jitter.enumerated() {
            let idle = hop.idleTimer + jitter
            scenario.add(
                .init(at: 1_000 + 41.7 * Double(index), age: idle + 13.3 * Double(index), idle: idle, events: 3))
        }
        let verdict = try scenario.last()
        #expect(verdict.reason == .idleTimeout)
        #expect(verdict.confidence >= .medium)
        let suspected = try #require(verdict.suspectedTimeoutSeconds)
        #expect(suspected >= hop.idleTimer && suspected <= hop.idleTimer + 1)
        #expect(!verdict.heartbeatsSwallowed)
    }

    @Test(arguments: hops.filter { $0.leaveQuiet != nil })
    func clientThatLeavesAQuietStreamIsClientClosedWithLowConfidence(hop: Hop) throws {
        var scenario = CloseScenario(end: try #require(hop.leaveQuiet), heartbeat: nil)
        for (index, idle) in [3.1, 47.0, 21.4, 8.8, 33.3].enumerated() {
            scenario.add(.init(at: 1_000 + 17.3 * Double(index), age: idle + 29 * Double(index), idle: idle, events: 3))
        }
        for verdict in scenario.verdicts() {
            #expect(verdict.reason == .clientClosed)
            #expect(verdict.confidence == .low)
        }
    }

    @Test(arguments: hops.filter { $0.leaveHeartbeats != nil })
    func clientThatLeavesWithHeartbeatsOnIsClientClosed(hop: Hop) throws {
        var scenario = CloseScenario(end: try #require(hop.leaveHeartbeats), heartbeat: 15)
        for (index, quiet) in [3.1, 12.2, 7.5, 9.9, 1.4].enumerated() {
            let idle = hop.foundByWrite ? 0.002 : quiet
            scenario.add(
                .init(
                    at: 1_000 + 17.3 * Double(index), age: 60 + 29 * Double(index), idle: idle, eventIdle: 15 + idle,
                    events: 3)
            )
        }
        for verdict in scenario.verdicts() {
            #expect(verdict.reason == .clientClosed)
            #expect(verdict.confidence == (hop.foundByWrite ? .medium : .low))
            #expect(verdict.evidence.contains(Finding(.earlier, "30.000s")) == hop.foundByWrite)
        }
    }

    @Test(arguments: hops.filter { $0.slow != nil }) func slowClientIsASlowConsumer(hop: Hop) throws {
        var scenario = CloseScenario(end: try #require(hop.slow))
        scenario.add(.init(at: 100, age: 50, idle: 12, blocked: 12, events: 900))
        let verdict = try scenario.last()
        #expect(verdict.reason == .slowConsumer)
        #expect(verdict.confidence == .high)
    }

    @Test func theEndsOfHopsDifferOnlyInTheirEvidence() throws {
        for hop in Self.hops {
            var scenario = CloseScenario(end: hop.idleEnd, heartbeat: nil)
            scenario.add(.init(at: 100, age: 80, idle: 33.3))
            let verdict = try scenario.last()
            if case .goAway(70_007, _) = hop.idleEnd {
                #expect(verdict.reason == .idleTimeout)
                #expect(verdict.confidence == .certain)
            } else {
                #expect(verdict.reason == .clientClosed, "one \(hop.name) end tells nothing")
                #expect(verdict.confidence == .low)
            }
            #expect(verdict.evidence.contains { $0.key == .seen })
        }
    }
}
