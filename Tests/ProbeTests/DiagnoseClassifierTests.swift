// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Judging delivery by send and receive gaps")
struct DiagnoseClassifierTests {
    @Test(arguments: [10.0, 50, 100, 1_000])
    func whatComesAsItWasSentIsProgressive(interval: Double) {
        let delivery = TimelineBuilder.steady(interval, count: 60).verdict
        #expect(delivery.verdict == .progressive)
        #expect(delivery.confidence == .high)
        #expect(delivery.basis == .publishTimes)
        #expect(delivery.figures.heldShare == 0)
    }

    @Test func pausesOfALanguageModelAreNoHold() {
        #expect(TimelineBuilder.tokens(50, count: 200).verdict.verdict == .progressive)
    }

    @Test(arguments: [true, false])
    func burstsOfThePublisherAreNoCoalescing(knowsClock: Bool) {
        let bursts = TimelineBuilder.bursts(of: 8, every: 800, count: 80).changed { $0.knowsClock = knowsClock }
        #expect(bursts.verdict.verdict == .progressive)
        #expect(bursts.verdict.figures.largestGroup == 8)
    }

    @Test(arguments: [0.0, 5, 15, 40], 1...5)
    func jitterOfABusyMachineAlarmsNobody(delay: Double, seed: Int) {
        for interval in [20.0, 50, 100] {
            let jittery = TimelineBuilder.steady(interval, count: 200).delayed(upTo: delay, seed: UInt64(seed))
                .changed { $0.ownDelay = delay / 2 }
            #expect(jittery.verdict.verdict == .progressive, "\(interval) ms, \(jittery.verdict)")
        }
    }

    @Test func aRareStallOfHalfASecondIsNoRule() {
        let stalled = TimelineBuilder.steady(100, count: 100).delayed(upTo: 500, share: 0.03)
        #expect(stalled.verdict.verdict == .progressive)
    }

    @Test func aLongWayIsNoHold() {
        let far = TimelineBuilder.steady(100, count: 50).changed { $0.received = $0.sent.map { $0 + 180 } }
        #expect(far.verdict.verdict == .progressive)
        var timeline = far.changed { $0.knowsClock = true }.timeline
        timeline.clockError = 180_000_000
        #expect(DeliveryClassifier.classify(timeline).verdict == .progressive)
    }

    @Test(arguments: [10.0, 50, 100, 150])
    func aTimerThatHoldsSmallWritesIsCoalescing(interval: Double) {
        let delivery = TimelineBuilder.steady(interval, count: 100).heldByTimer(205).verdict
        #expect(delivery.verdict == .coalesced)
        #expect(delivery.confidence == .high)
        #expect((150...210).contains(delivery.figures.holdMs ?? 0))
    }

    @Test func aTimerHoldsTokensToo() {
        #expect(TimelineBuilder.tokens(50, count: 100).heldByTimer(205).verdict.verdict == .coalesced)
    }

    @Test func aHoldOfEveryEventShowsAgainstAKnownClock() {
        let held = TimelineBuilder.steady(400, count: 20).heldByTimer(205)
        #expect(held.verdict.verdict == .progressive, "gaps alone cannot tell")
        let known = held.changed { $0.knowsClock = true }.verdict
        #expect(known.verdict == .coalesced)
        #expect((200...210).contains(known.figures.holdMs ?? 0))
    }

    @Test func everythingAtTheEndIsBuffered() {
        let delivery = TimelineBuilder.steady(100, count: 40).heldToTheEnd().verdict
        #expect(delivery.verdict == .buffered)
        #expect(delivery.reason.contains("when the stream ended"))
    }

    @Test func aHoldOfSecondsIsBuffered() {
        #expect(TimelineBuilder.steady(100, count: 90).heldByCount(15).verdict.verdict == .buffered)
    }

    @Test func blocksOfOneSizeAreBufferedHoweverShortTheHold() {
        let quick = TimelineBuilder.steady(20, count: 80).heldByCount(8)
        #expect(quick.verdict.verdict == .coalesced)
        let delivery = quick.changed { builder in
            builder.reads = stride(from: 7, to: 80, by: 8).map { (builder.received[$0], 4_096) }
        }.verdict
        #expect(delivery.verdict == .buffered)
        #expect(delivery.figures.blockBytes == 4_096)
    }

    @Test func historyThatComesAtOnceIsNoHold() {
        let live = TimelineBuilder.steady(100, count: 30)
        let withHistory = live.changed { builder in
            builder.sent = (1...20).map { Double($0 - 21) * 500 } + builder.sent
            builder.received = (1...20).map { _ in 2.0 } + builder.received
        }
        let delivery = withHistory.verdict
        #expect(delivery.verdict == .progressive)
        #expect(delivery.figures.events <= 31)
    }

    @Test func whatOthersHadAndThisStreamHadNotIsHeldBack() {
        var timeline = TimelineBuilder(sent: []).timeline
        timeline.expected = TimelineBuilder.steady(100, count: 50).timeline.arrivals.map(\.received)
        let delivery = DeliveryClassifier.classify(timeline)
        #expect(delivery.verdict == .buffered)
        #expect(delivery.basis == .otherStreams)
        #expect(delivery.figures.missing == 50)
    }

    @Test func aStreamThatBeginsAtOnceAndHasNotBegunIsBuffered() {
        var timeline = TimelineBuilder(sent: []).timeline
        timeline.hasBegun = false
        #expect(DeliveryClassifier.classify(timeline).verdict == .undecided)
        timeline.beginsAtOnce = true
        #expect(DeliveryClassifier.classify(timeline).verdict == .buffered)
    }

    @Test func publishTimesFromNowhereDoNotTrap() {
        var timeline = TimelineBuilder.steady(100, count: 10).timeline
        timeline.arrivals = timeline.arrivals.enumerated().map { place, arrival in
            .init(sent: place.isMultiple(of: 2) ? .max : .min, received: arrival.received)
        }
        #expect(DeliveryClassifier.classify(timeline).basis == .arrivals)
    }
}
