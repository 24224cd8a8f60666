// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Judging delivery by arrivals alone")
struct DiagnoseArrivalsTests {
    private func verdict(_ builder: TimelineBuilder) -> Delivery { builder.changed { $0.knowsSending = false }.verdict }

    @Test func whatComesOneByOneWasNotHeld() {
        let delivery = verdict(.tokens(50, count: 60))
        #expect(delivery.verdict == .progressive)
        #expect(delivery.confidence == .high)
        #expect(delivery.basis == .arrivals)
    }

    @Test func everythingAtTheEndIsBufferedIfTheEndWasLongInComing() {
        #expect(verdict(TimelineBuilder.steady(100, count: 30).heldToTheEnd()).verdict == .buffered)
        #expect(verdict(TimelineBuilder.steady(2, count: 30).heldToTheEnd()).verdict == .undecided)
    }

    @Test func groupsAtEvenDistancesMayBeATimer() {
        let delivery = verdict(TimelineBuilder.steady(50, count: 100).heldByTimer(205))
        #expect(delivery.verdict == .coalesced)
        #expect(delivery.confidence == .low)
        #expect((200...260).contains(delivery.figures.groupPeriodMs ?? 0))
    }

    @Test func groupsAtOddDistancesAreCalledNeither() {
        var random = Random(state: 3)
        var time = 0.0
        let sent = (0..<60).map { place -> Double in
            if place.isMultiple(of: 4) { time += 100 + random.next() * 900 }
            return time
        }
        let delivery = verdict(TimelineBuilder(sent: sent))
        #expect(delivery.verdict == .progressive)
        #expect(delivery.confidence == .low)
    }

    @Test func eventsCutInTwoWithAPauseBetweenBetrayABuffer() {
        var timeline = TimelineBuilder.steady(20, count: 200).heldByCount(25).changed { $0.knowsSending = false }
            .timeline
        for place in stride(from: 25, to: 200, by: 25) {
            timeline.arrivals[place].firstByte = timeline.arrivals[place - 1].received
        }
        #expect(DeliveryClassifier.classify(timeline).verdict == .buffered)
    }

    @Test func silenceIsNoVerdict() {
        let delivery = verdict(TimelineBuilder(sent: []))
        #expect(delivery.verdict == .undecided)
        #expect(delivery.basis == .nothing)
    }

    @Test func twoEventsAreTooFew() {
        #expect(verdict(TimelineBuilder.steady(1_000, count: 2)).verdict == .undecided)
    }

    @Test(arguments: [4_096, 8_192])
    func aBlockSizeIsThatOfABuffer(size: Int) {
        var timeline = TimelineBuilder(sent: []).timeline
        timeline.reads = [(1, 100), (2, size), (3, size), (4, size)].map {
            BodyRead(time: Int64($0.0) * 1_000_000_000, bytes: $0.1)
        }
        #expect(timeline.blockBytes == size)
        timeline.reads[2].bytes = size - 1
        #expect(timeline.blockBytes == nil)
    }

    @Test func equalEventsAreNoBlocks() {
        var timeline = TimelineBuilder(sent: []).timeline
        timeline.reads = (1...9).map { BodyRead(time: Int64($0) * 1_000_000_000, bytes: 286) }
        #expect(timeline.blockBytes == nil)
    }
}
