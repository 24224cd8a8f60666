// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

/// A history of closes that is played through a ledger, as an origin would: recorded when they happen, judged 100 ms
/// later.
struct CloseScenario {
    /// Times in seconds, so that a test reads like an incident report.
    struct Close {
        var at: Double
        var age: Double
        var idle: Double
        var eventIdle: Double?
        var sinceWrite: Double?
        var blocked: Double = 0
        var longestPause: Double?
        var lastPause: Double?
        var announced: Int64?
        var events: UInt64 = 0
        var peer: String?
        var connection: UInt64?
    }

    var end: PeerEnd = .fin
    var heartbeat: Double? = 15
    var peer = "10.0.0.1"
    private(set) var closes: [CloseEvidence] = []
    /// Ends of HTTP/2 connections: which, and when.
    var connectionEnds: [(connection: UInt64, at: Double)] = []

    mutating func add(_ close: Close, end: PeerEnd? = nil) {
        let stream = UInt64(closes.count + 1)
        let end = end ?? self.end
        let version: CloseEvidence.HTTPVersion =
            switch end {
            case .rstStream, .goAway, .tcpEndUnderOpenStreams: .http2
            case .fin, .reset, .writeFailed, .timedOut: .http1
            }
        closes.append(
            CloseEvidence(
                ending: .peer(end),
                httpVersion: version,
                stream: stream,
                connection: close.connection ?? 1_000 + stream,
                peer: close.peer ?? peer,
                endNanoseconds: nanoseconds(close.at),
                ageNanoseconds: nanoseconds(close.age),
                idleNanoseconds: nanoseconds(close.idle),
                eventIdleNanoseconds: close.eventIdle.map(nanoseconds),
                sinceWriteNanoseconds: close.sinceWrite.map(nanoseconds),
                writeBlockedNanoseconds: nanoseconds(close.blocked),
                longestPauseNanoseconds: close.longestPause.map(nanoseconds),
                lastPauseNanoseconds: close.lastPause.map(nanoseconds),
                heartbeatNanoseconds: heartbeat.map(nanoseconds),
                announcedLimitMilliseconds: close.announced,
                events: close.events
            )
        )
    }

    /// The verdicts in the order in which the closes were added.
    func verdicts() -> [Verdict] {
        var ledger = CloseLedger()
        var judged: [UInt64: Verdict] = [:]
        var ends = connectionEnds.map { ($0.connection, nanoseconds($0.at)) }[...]
        for close in closes.sorted(by: { $0.endNanoseconds < $1.endNanoseconds }) {
            for (evidence, verdict) in ledger.settle(now: close.endNanoseconds) { judged[evidence.stream] = verdict }
            if let (evidence, verdict) = ledger.record(close) { judged[evidence.stream] = verdict }
        }
        while let (connection, at) = ends.popFirst() {
            for (evidence, verdict) in ledger.settle(now: at) { judged[evidence.stream] = verdict }
            ledger.connectionEnded(connection)
        }
        for (evidence, verdict) in ledger.flush() { judged[evidence.stream] = verdict }
        return closes.compactMap { judged[$0.stream] }
    }

    func reasons() -> [CloseReason] { verdicts().map(\.reason) }

    /// The verdict over the close that was added last.
    func last() throws -> Verdict { try #require(verdicts().last) }
}

func nanoseconds(_ seconds: Double) -> Int64 { Int64((seconds * 1e9).rounded()) }

/// SplitMix64: the same soup on every machine.
struct Soup: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func seconds(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &self) }
}

@Suite struct ClosesScenarioTests {
    @Test func everyCloseOfAScenarioIsJudgedInItsPlace() {
        var scenario = CloseScenario()
        scenario.add(.init(at: 20, age: 5, idle: 3))
        scenario.add(.init(at: 10, age: 5, idle: 3, blocked: 2))
        #expect(scenario.reasons() == [.clientClosed, .slowConsumer])
    }
}
