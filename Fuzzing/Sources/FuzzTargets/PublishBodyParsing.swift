// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Bodies of publishes: whatever is accepted is a bounded number of events that the encoder takes.
//
// Input: one byte for the content type, one for what the query says, then the body.

import EventStream
import NIOCore

@testable import Origin

enum PublishBodyParsing {
    private static let types: [String?] = [
        nil, "text/plain; charset=utf-8", "application/json", "application/x-ndjson", "text/event-stream",
        "Application/JSON ;x", "application/jsonl", "", ";", "image/png",
    ]

    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let type = reader.pick(types)
        let query = reader.byte()
        let bytes = reader.rest()
        let body = ByteBuffer(bytes: bytes)
        let events: [PublishedEvent]
        do throws(PublishBodyError) {
            events = try PublishBody.parse(
                body,
                contentType: type,
                type: query & 1 == 1 ? "kind" : nil,
                retry: query & 2 == 2 ? Int(query) : nil
            )
        } catch {
            return
        }
        require((1...PublishBody.maximumEvents).contains(events.count), "\(events.count) events from one body")
        require(events.reduce(0) { $0 + $1.data.readableBytes } <= bytes.count, "more data than the body has")
        for event in events { encode(event) }
    }

    private static func encode(_ event: PublishedEvent) {
        var block = ByteBuffer()
        do throws(EventStreamError) {
            try EventStreamEncoder.encode(
                data: String(buffer: event.data), type: event.type, retry: event.retry, into: &block)
        } catch {
            require(false, "an accepted event cannot be encoded: \(error)")
        }
        require(block.readableBytesView.suffix(2).elementsEqual([0x0A, 0x0A]), "an event without its blank line")
    }
}
