// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

/// Whatever comes, every close comes out once, and nothing grows beyond its bound.
@Suite struct ClosesBoundsTests {
    private func randomClose(_ stream: UInt64, at: Double, _ soup: inout Soup) -> CloseEvidence {
        let codes: [UInt32] = [0, 2, 5, 8, 70_007, .max]
        let ends: [PeerEnd] = [
            .fin, .reset, .writeFailed(errno: 32), .timedOut(errno: 110),
            .rstStream(code: codes.randomElement(using: &soup) ?? 0),
            .goAway(code: codes.randomElement(using: &soup) ?? 0, debug: "\u{0}\"ü€"),
            .tcpEndUnderOpenStreams(reset: Bool.random(using: &soup)),
        ]
        let origin: [OriginClose] = [.drain, .durationComplete, .slowConsumer(.fellOffRing), .protocolError("x")]
        let own = Int.random(in: 0..<10, using: &soup) == 0
        let ages: [Double] = [0, 0.001, 15, 60, 302, soup.seconds(0...4_000)]
        let age = ages.randomElement(using: &soup) ?? 0
        let idle = Bool.random(using: &soup) ? age : min(age, soup.seconds(0...70))
        let heartbeats: [Double?] = [nil, 0.001, 15]
        return CloseEvidence(
            ending: own
                ? .origin(origin.randomElement(using: &soup) ?? .drain)
                : .peer(ends.randomElement(using: &soup) ?? .fin),
            httpVersion: .http2,
            stream: stream,
            connection: UInt64.random(in: 0..<50, using: &soup),
            peer: "10.0.\(Int.random(in: 0..<8, using: &soup)).\(Int.random(in: 0..<20, using: &soup))",
            endNanoseconds: nanoseconds(at - soup.seconds(0...0.2)),
            ageNanoseconds: nanoseconds(age),
            idleNanoseconds: nanoseconds(idle),
            eventIdleNanoseconds: nanoseconds(soup.seconds(0...max(age, 0.001))),
            sinceWriteNanoseconds: nanoseconds(soup.seconds(0...max(idle, 0.001))),
            writeBlockedNanoseconds: nanoseconds(Bool.random(using: &soup) ? 0 : soup.seconds(0...2)),
            longestPauseNanoseconds: Bool.random(using: &soup) ? nil : nanoseconds(soup.seconds(0...100)),
            heartbeatNanoseconds: (heartbeats.randomElement(using: &soup) ?? nil).map(nanoseconds),
            announcedLimitMilliseconds: Bool.random(using: &soup)
                ? nil : [0, -1, 15_000, .max].randomElement(using: &soup),
            events: UInt64.random(in: 0...9, using: &soup)
        )
    }

    @Test(arguments: [UInt64(11), 12, 13])
    func everyRecordedCloseComesOutOnceAndMemoryStaysBounded(seed: UInt64) {
        var soup = Soup(state: seed)
        var limits = ClosePopulation.Limits()
        limits.peers = 40
        limits.endsPerPeer = 20
        limits.endsInAll = 300
        limits.windowNanoseconds = nanoseconds(200)
        var ledger = CloseLedger(capacity: 50, population: ClosePopulation(limits: limits))
        var seen: [UInt64: Int] = [:]
        var now = 10_000.0
        let total = UInt64(6_000)
        for stream in 1...total {
            now += Bool.random(using: &soup) ? 0.0005 : soup.seconds(0...0.3)
            if let (evidence, _) = ledger.record(randomClose(stream, at: now, &soup)) {
                seen[evidence.stream, default: 0] += 1
            }
            if Int.random(in: 0..<3, using: &soup) == 0 {
                for (evidence, _) in ledger.settle(now: nanoseconds(now)) { seen[evidence.stream, default: 0] += 1 }
            }
            #expect(ledger.waitingCount <= 50)
            #expect(ledger.population.count <= 300)
            #expect(ledger.population.peerCount <= 40)
        }
        for (evidence, _) in ledger.flush() { seen[evidence.stream, default: 0] += 1 }
        #expect(seen.count == Int(total))
        #expect(seen.values.allSatisfy { $0 == 1 })
        #expect(ledger.waitingCount == 0)
        #expect(ledger.nextSettleNanoseconds == nil)
        #expect(ledger.population.count == ledger.population.peers.reduce(0) { $0 + $1.ends.count })
        #expect(ledger.population.forgotten > 0)
    }

    private func fin(_ stream: UInt64, at seconds: Double, peer: String = "10.0.0.1") -> CloseEvidence {
        CloseEvidence(
            ending: .peer(.fin), httpVersion: .http1, stream: stream, connection: stream, peer: peer,
            endNanoseconds: nanoseconds(seconds), ageNanoseconds: nanoseconds(40 + Double(stream)),
            idleNanoseconds: nanoseconds(3))
    }

    @Test func closeIsJudgedAHundredMillisecondsAfterItHappened() {
        var ledger = CloseLedger()
        #expect(ledger.record(fin(1, at: 100)) == nil)
        #expect(ledger.nextSettleNanoseconds == nanoseconds(100.1))
        #expect(ledger.settle(now: nanoseconds(100.0999)).isEmpty)
        #expect(ledger.settle(now: nanoseconds(100.1)).map(\.evidence.stream) == [1])
        #expect(ledger.settle(now: nanoseconds(200)).isEmpty)
    }

    @Test func closeThatIsReportedLateDoesNotHoldUpOthers() {
        var ledger = CloseLedger()
        _ = ledger.record(fin(1, at: 100.05))
        _ = ledger.record(fin(2, at: 100))
        #expect(ledger.settle(now: nanoseconds(100.12)).map(\.evidence.stream) == [2])
        #expect(ledger.settle(now: nanoseconds(100.15)).map(\.evidence.stream) == [1])
    }

    @Test func fullLedgerJudgesTheOldestAtOnce() {
        var ledger = CloseLedger(capacity: 2)
        #expect(ledger.record(fin(1, at: 100)) == nil)
        #expect(ledger.record(fin(2, at: 100)) == nil)
        #expect(ledger.record(fin(3, at: 100))?.evidence.stream == 1)
        #expect(ledger.hurried == 1)
        #expect(ledger.flush().map(\.evidence.stream) == [2, 3])
    }

    @Test func peerThatEndsStreamsStaysWhileOthersAreForgotten() {
        var limits = ClosePopulation.Limits()
        limits.peers = 8
        var population = ClosePopulation(limits: limits)
        for index in 0..<200 {
            population.note(fin(UInt64(2 * index), at: Double(index), peer: "10.9.9.9"))
            population.note(fin(UInt64(2 * index + 1), at: Double(index), peer: "10.0.0.\(index)"))
        }
        #expect(population.peerCount == 8)
        #expect(population.ends(of: "10.9.9.9", around: nanoseconds(200)).count == 200)
    }

    @Test func peersAreComparedOnceEachAndForgottenWhenTheyAre() {
        var limits = ClosePopulation.Limits()
        limits.peers = 4
        limits.peersCompared = 6
        var population = ClosePopulation(limits: limits)
        for index in 0..<50 {
            population.note(fin(UInt64(index), at: Double(index), peer: "10.0.0.\(index % 7)"))
            let compared = population.latestOfEachPeer(but: "10.0.0.\(index % 7)", around: nanoseconds(Double(index)))
            #expect(compared.count == min(index, 3))
        }
    }

    @Test func endsOutsideTheWindowAreNotComparedWith() {
        var limits = ClosePopulation.Limits()
        limits.windowNanoseconds = nanoseconds(60)
        var population = ClosePopulation(limits: limits)
        population.note(fin(1, at: 100))
        population.note(fin(2, at: 150))
        #expect(population.ends(of: "10.0.0.1", around: nanoseconds(155)).count == 2)
        population.note(fin(3, at: 161))
        #expect(population.count == 2)
    }

    @Test func massDepartureDoesNotWipeOutHistory() {
        var population = ClosePopulation()
        for index in 0..<100 { population.note(fin(UInt64(index), at: 10 * Double(index))) }
        for index in 0..<5_000 { population.note(fin(1_000 + UInt64(index), at: 1_000)) }
        #expect(population.count == 132)
        #expect(population.forgotten == 4_968)
    }

    @Test func whatSaysNothingAboutTheWayIsNotKept() {
        var population = ClosePopulation()
        var ours = fin(1, at: 100)
        ours.ending = .origin(.drain)
        var slow = fin(2, at: 100)
        slow.writeBlockedNanoseconds = nanoseconds(1)
        var lost = fin(3, at: 100)
        lost.ending = .peer(.timedOut(errno: 110))
        for evidence in [ours, slow, lost] { population.note(evidence) }
        #expect(population.count == 0)
        #expect(population.peerCount == 0)
    }
}
