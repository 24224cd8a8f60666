// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing
import Transport

@testable import Probe

@Suite("From records of streams to evidence")
struct IdleEvidenceTests {
    private let second: Int64 = 1_000_000_000

    private func record(reads: [Int64]) -> StreamRecord {
        var record = StreamRecord(path: 0, stream: 4, attempt: 1, started: second)
        record.status = 200
        record.headers = ["content-type": "text/event-stream"]
        record.phases.headReceived = 2 * second
        for time in reads { record.silences.end(at: time * second, head: record.phases.headReceived) }
        return record
    }

    @Test func silencesAreCountedFromTheHead() throws {
        let record = record(reads: [5, 6, 13])
        let held = try #require(HeldStream(record, role: .quiet, start: 0, now: 20 * second))
        #expect(held.longestPause == 7)
        #expect(held.lastArrival == 13)
        #expect(held.silence == 7)
        #expect(held.age == 19)
        #expect(held.isOpen)
    }

    @Test func aStreamWithoutResponseIsNoEvidence() {
        var record = record(reads: [])
        record.status = 404
        #expect(HeldStream(record, role: .quiet, start: 0, now: second) == nil)
        record.status = 200
        record.headers = ["content-type": "text/html"]
        #expect(HeldStream(record, role: .quiet, start: 0, now: second) == nil)
    }

    /// httpd: the page that comes with the end must not look like bytes of the origin.
    @Test func aPageEndsNoSilence() throws {
        var record = record(reads: [3, 9])
        record.silencesBeforeForeign = record.silences.withoutLatest
        record.foreignLines = ["<html>"]
        record.ended = 9 * second
        record.ending = .complete
        let held = try #require(HeldStream(record, role: .quiet, start: 0, now: 20 * second))
        #expect(held.lastArrival == 3)
        #expect(held.silence == 6)
        #expect(held.longestPause == 1)
        #expect(held.end?.how == .page)
    }

    private func cluster(_ values: [Double]) -> TimerCluster {
        TimerCluster(deaths: [], values: values.sorted())
    }

    @Test func bytesThatWereReadLateDoNotMoveTheValue() {
        #expect(cluster([5.7, 5.9, 6, 6.001, 6.002, 6.003, 6.01]).estimate >= 6)
        #expect(cluster([6, 6.001, 6.002, 6.4, 6.5]).estimate < 6.01)
    }

    @Test func ofATimerThatIsLookedAtOnceASecondTheEarliestEndIsNearest() {
        #expect(cluster([6.05, 6.2, 6.35, 6.5, 6.65, 6.8, 6.95]).estimate == 6.05)
        #expect(cluster([6.2]).estimate == 6.2)
    }

    private func held(_ interval: Double?, opened: Double = 0, last: Double, end: Double) -> HeldStream {
        var stream = HeldStream(
            number: 0, role: interval.map { .beating($0) } ?? .quiet, opened: opened, lastArrival: last, until: end)
        stream.end = .init(at: end, how: .closed)
        return stream
    }

    @Test func anEndThatComesWithTheBytesThatWereDueIsKnownOnlyWithinTheirInterval() throws {
        let death = try #require(TimerDeath(held(5, last: 10, end: 15.05)))
        #expect(death.isInterval)
        #expect(death.age == 10...15.05)
        let exact = try #require(TimerDeath(held(5, last: 10, end: 12)))
        #expect(!exact.isInterval)
        #expect(exact.idle == 2)
    }

    @Test func bytesThatStayAwayAreADeathToo() throws {
        var stream = held(4, last: 10, end: 20)
        stream.end = nil
        let death = try #require(TimerDeath(stream))
        #expect(death.isSilent)
        #expect(death.moment == 10...14)
        stream.until = 15
        #expect(TimerDeath(stream) == nil)
    }

    /// Envoy, HTTP/1.1: a stream with bytes every quarter of a second gets none in its last second.
    @Test func aLateCloseIsMeasuredByTheBytesThatWereDueBefore() {
        let streams = [
            held(0.25, last: 11.9, end: 13), held(0.25, last: 11.98, end: 13.01), held(nil, last: 0, end: 13),
        ]
        #expect(CloseDelay.seconds(of: streams, hops: [], isHTTP1: true) == 1)
        #expect(CloseDelay.seconds(of: streams, hops: [], isHTTP1: false) == 0)
        let corrected = CloseDelay.removed(1, from: streams)
        #expect(corrected.map(\.until) == [12, 12.01, 12])
    }

    @Test func envoysDelayIsKnownWithoutBytesButBytesRefuteIt() {
        let quiet = [held(nil, last: 0, end: 7), held(nil, last: 1, end: 8)]
        #expect(CloseDelay.seconds(of: quiet, hops: [.envoy], isHTTP1: true) == 1)
        #expect(CloseDelay.seconds(of: quiet, hops: [.nginx], isHTTP1: true) == 0)
        #expect(CloseDelay.seconds(of: quiet + [held(0.25, last: 6.9, end: 7)], hops: [.envoy], isHTTP1: true) == 0)
    }
}
