// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore
import Testing

@testable import Origin

/// What a client's parser makes of the origin's own messages.
@Suite struct StreamMessageTests {
    private func decode(
        _ messages: ByteBuffer...
    ) throws -> (items: [EventStreamDecoder.Item], decoder: EventStreamDecoder) {
        var decoder = EventStreamDecoder()
        var items: [EventStreamDecoder.Item] = []
        for var message in messages { try decoder.decode(&message) { items.append($0) } }
        #expect(!decoder.hasUnfinishedEvent)
        return (items, decoder)
    }

    private func id(_ text: String) throws -> EventID { try #require(EventID(text)) }

    @Test func aHeartbeatIsACommentAndNoEvent() throws {
        #expect(try self.decode(StreamMessage.heartbeat).items == [.comment("heartbeat")])
    }

    @Test func aHeartbeatEventHasTheTime() throws {
        let items = try self.decode(StreamMessage.heartbeatEvent(unixNanoseconds: 1_790_000_000_123_456_789)).items
        #expect(items == [.event(ServerSentEvent(type: "heartbeat", data: "{\"ts\":1790000000123456789}"))])
    }

    @Test func theFirstBlockSetsRetryAndPositionAndDispatchesNothing() throws {
        let (items, decoder) = try self.decode(
            StreamMessage.preamble(retryMilliseconds: 3000, id: "abcdefgh.5,zzzzzzzz.7", gaps: [])
        )
        #expect(items == [.comment("connected"), .update(id: "abcdefgh.5,zzzzzzzz.7", retry: 3000)])
        #expect(decoder.lastEventID == "abcdefgh.5,zzzzzzzz.7")
        #expect(decoder.reconnectionTime == 3000)
    }

    @Test func gapsFollowTheFirstBlock() throws {
        let gaps = [Gap(reason: .expired, missed: 12), Gap(reason: .unknownEpoch, missed: nil)]
        let items = try self.decode(StreamMessage.preamble(retryMilliseconds: 0, id: "abcdefgh.5", gaps: gaps)).items
        let events = ["{\"missed\":12,\"reason\":\"expired\"}", "{\"missed\":null,\"reason\":\"unknown_epoch\"}"].map {
            EventStreamDecoder.Item.event(ServerSentEvent(type: "gap", data: $0, id: "abcdefgh.5"))
        }
        #expect(items == [.comment("connected"), .update(id: "abcdefgh.5", retry: 0)] + events)
    }

    @Test func aGapGoesOnFromItsID() throws {
        let (items, decoder) = try self.decode(StreamMessage.gap(Gap(reason: .slow, missed: 3), id: "abcdefgh.9"))
        let event = ServerSentEvent(type: "gap", data: "{\"missed\":3,\"reason\":\"slow\"}", id: "abcdefgh.9")
        #expect(items == [.event(event)])
        #expect(decoder.lastEventID == "abcdefgh.9")
    }

    @Test func theEndLeavesAnIDThatEndsTheReconnect() throws {
        let (items, decoder) = try self.decode(StreamMessage.end(id: try self.id("abcdefgh.300"), events: 250))
        let data = "{\"reason\":\"duration_complete\",\"events\":250}"
        #expect(items == [.event(ServerSentEvent(type: "end", data: data, id: "abcdefgh.300.end"))])
        #expect(LastEventID(decoder.lastEventID, channelCount: 1) == .ended)
    }

    @Test func aRetrySetsTheReconnectionTimeAlone() throws {
        let (items, decoder) = try self.decode(StreamMessage.retry(milliseconds: 12_345))
        #expect(items == [.update(id: nil, retry: 12_345)])
        #expect(decoder.reconnectionTime == 12_345)
        #expect(decoder.lastEventID == "")
    }

    @Test func anEventIsCopiedWithAnotherID() throws {
        var event = ByteBuffer()
        try EventStreamEncoder.encode(data: "id: not this\nline", type: "t", id: "abcdefgh.1", retry: 5, into: &event)
        var copy = ByteBuffer(string: ": before\n")
        event.withUnsafeReadableBytes { StreamMessage.write($0, withID: "a.1,b.2", into: &copy) }
        let expected = ServerSentEvent(type: "t", data: "id: not this\nline", id: "a.1,b.2", retry: 5)
        #expect(try self.decode(copy).items == [.comment("before"), .event(expected)])
    }

    @Test(
        arguments: [
            (0, "0.000", 0), (499_999, "0.000", 0), (500_000, "0.001", 0.001), (1_000_000, "0.001", 0.001),
            (12_345_678, "0.012", 0.012), (999_499_999, "0.999", 0.999), (999_500_000, "1.000", 1),
            (61_050_000_000, "61.050", 61.05), (86_400_000_000_000, "86400.000", 86_400),
        ] as [(Int64, String, Double)])
    func millisecondsAreShownAsSecondsWithThreeDigits(nanoseconds: Int64, text: String, seconds: Double) {
        #expect(Milliseconds(nanoseconds).description == text)
        #expect(Milliseconds(nanoseconds).seconds == seconds)
    }
}
