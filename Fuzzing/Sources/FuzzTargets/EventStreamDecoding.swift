// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Event streams: any cuts give the same items as the whole, limits strike at the same place, and what was decoded is
// encoded to something that decodes to the same.
//
// Input: two bytes for the limits, one for the cuts, then the stream.

import EventStream
import NIOCore

enum EventStreamDecoding {
    private struct Outcome: Equatable {
        var items: [EventStreamDecoder.Item] = []
        var error: EventStreamError?
        var lastEventID = ""
        var reconnectionTime: Int?
        var hasUnfinishedEvent = false
    }

    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let limits = EventStreamLimits(
            maximumLineBytes: reader.pick([2 << 20, 0, 1, 2, 3, 4, 8, 24, 64, 300]),
            maximumEventBytes: reader.pick([4 << 20, 0, 1, 2, 5, 12, 40, 200])
        )
        let seed = reader.byte()
        let stream = reader.rest()
        let whole = decode([stream], limits)
        require(decode(pieces(of: stream, seed: seed), limits) == whole, "cuts of seed \(seed) change the items")
        require(decode(pieces(of: stream, seed: 1), limits) == whole, "single bytes change the items")
        for case .event(let event) in whole.items {
            require(event.data.utf8.count <= 3 * limits.maximumEventBytes, "an event is above the limit")
            roundTrip(event)
        }
    }

    private static func decode(_ pieces: [[UInt8]], _ limits: EventStreamLimits) -> Outcome {
        var decoder = EventStreamDecoder(limits: limits)
        var outcome = Outcome()
        for piece in pieces {
            var buffer = ByteBuffer(bytes: piece)
            do throws(EventStreamError) {
                try decoder.decode(&buffer) { outcome.items.append($0) }
                require(buffer.readableBytes == 0, "the decoder left bytes behind")
            } catch {
                outcome.error = error
            }
        }
        outcome.lastEventID = decoder.lastEventID
        outcome.reconnectionTime = decoder.reconnectionTime
        outcome.hasUnfinishedEvent = decoder.hasUnfinishedEvent
        return outcome
    }

    private static func roundTrip(_ event: ServerSentEvent) {
        var buffer = ByteBuffer()
        do throws(EventStreamError) {
            try EventStreamEncoder.encode(event, into: &buffer)
            var decoder = EventStreamDecoder(
                limits: EventStreamLimits(maximumLineBytes: .max / 2, maximumEventBytes: .max / 2))
            var items: [EventStreamDecoder.Item] = []
            try decoder.decode(&buffer) { items.append($0) }
            var expected = event
            expected.lastEventID = event.id ?? ""
            require(items == [.event(expected)], "\(event) becomes \(items)")
        } catch {
            require(false, "\(event), which was decoded, cannot be encoded: \(error)")
        }
    }
}
