// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry
import Testing
import Transport

@testable import Origin

@Suite struct EventSpanTests {
    @Test(arguments: [
        EventSpan(sequence: 1, lag: 0, bytes: 0, isReplay: false),
        EventSpan(sequence: .max, lag: .max, bytes: Int(Int64.max >> 1), isReplay: true),
        EventSpan(sequence: 7, lag: -5, bytes: 300, isReplay: true),
    ])
    func comesBackFromItsNumbers(event: EventSpan) {
        #expect(EventSpan(event.numbers) == event)
    }

    @Test func saysWhatItsNumbersMean() throws {
        let epoch = try #require(Epoch("abcdefgh"))
        let event = EventSpan(sequence: 42, lag: 3_000_000, bytes: 300, isReplay: false)
        let attributes = event.attributes(streamID: "s", channel: "news", epoch: epoch, writeTime: 1_000_000)
        #expect(
            attributes == [
                Attribute(SpanKey.streamID, "s"), Attribute(SpanKey.eventID, "abcdefgh.42"),
                Attribute(SpanKey.channel, "news"), Attribute(SpanKey.isReplay, false),
                Attribute(SpanKey.eventBytes, 300), Attribute(SpanKey.eventLag, 0.003),
                Attribute(SpanKey.eventQueueWait, 0.002), Attribute(SpanKey.eventWriteTime, 0.001),
            ])
    }
}

@Suite struct TracedDeliveriesTests {
    private func buffered(_ deliveries: inout TracedDeliveries, _ counts: [Int]) -> [[Int32]] {
        var found = counts.map { _ in [Int32]() }
        deliveries.takeBuffered(counts) { found[$0] = Array($1) }
        return found
    }

    @Test func aBatchTakesItsOwnAndLeavesThoseOfTheOneAroundIt() {
        var deliveries = TracedDeliveries()
        for place in [1, 2, 3] as [Int32] { deliveries.add(place) }
        var taken: [[Int32]] = []
        deliveries.take(2) { taken.append(Array($0)) }
        deliveries.add(4)
        deliveries.take(2) { taken.append(Array($0)) }
        deliveries.take(0) { taken.append(Array($0)) }
        #expect(taken == [[2, 3], [1, 4]])
    }

    @Test func batchesThatAreBufferedComeBackInTheirOrder() {
        var deliveries = TracedDeliveries()
        for place in [1, 2, 3] as [Int32] { deliveries.add(place) }
        // The inner one of two is booked first.
        deliveries.buffer(1)
        deliveries.buffer(2)
        deliveries.buffer(0)
        deliveries.add(4)
        deliveries.buffer(1)
        #expect(self.buffered(&deliveries, [1, 2, 0, 1]) == [[3], [1, 2], [], [4]])
        #expect(self.buffered(&deliveries, [1]) == [[]])
    }

    @Test func thePlaceOfAStreamThatEndedIsFreeWhenItsEventsAreRecorded() {
        var deliveries = TracedDeliveries()
        deliveries.end(1)
        #expect(deliveries.takeEnded() == [1])
        #expect(deliveries.takeEnded() == [])
        deliveries.add(2)
        deliveries.end(2)
        #expect(deliveries.takeEnded() == [])
        deliveries.buffer(1)
        deliveries.end(3)
        #expect(deliveries.takeEnded() == [])
        #expect(self.buffered(&deliveries, [1]) == [[2]])
        #expect(deliveries.takeEnded() == [2, 3])
    }
}
