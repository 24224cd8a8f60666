// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The messages that the origin itself puts on a stream. Encoding cannot fail: every type and id here is ours.

import NIOCore

enum StreamMessage {
    /// No blank line follows: a conforming receiver needs none, and some libraries (httpx-sse) hand out an empty event
    /// for each.
    static let heartbeat = ByteBuffer(staticString: ": heartbeat\n")

    /// A heartbeat that a page can see.
    static func heartbeatEvent(unixNanoseconds: Int64) -> ByteBuffer {
        ByteBuffer(string: "event: heartbeat\ndata: {\"ts\":\(unixNanoseconds)}\n\n")
    }

    /// What a stream starts with: a first byte for intermediaries that wait for one, the reconnection time, and the
    /// position to resume from should the connection break before the first event.
    static func preamble(retryMilliseconds: Int, id: String, gaps: [Gap]) -> ByteBuffer {
        var buffer = ByteBuffer(string: ": connected\nretry: \(retryMilliseconds)\nid: \(id)\n\n")
        for gap in gaps { buffer.writeImmutableBuffer(self.gap(gap, id: id)) }
        return buffer
    }

    /// `event: gap`: what the stream can no longer be given. The id is the position that it goes on from.
    static func gap(_ gap: Gap, id: String) -> ByteBuffer {
        let missed = gap.missed.map(String.init) ?? "null"
        return ByteBuffer(
            string: "id: \(id)\nevent: gap\ndata: {\"missed\":\(missed),\"reason\":\"\(gap.reason.rawValue)\"}\n\n"
        )
    }

    /// `event: end`: nothing more will come. The id makes the reconnect that follows end with 204.
    static func end(id: EventID, events: UInt64) -> ByteBuffer {
        ByteBuffer(
            string: "id: \(id)\(LastEventID.endSuffix)\nevent: end\n"
                + "data: {\"reason\":\"\(CloseReason.durationComplete.rawValue)\",\"events\":\(events)}\n\n"
        )
    }

    /// Asks the client to come back after this long.
    static func retry(milliseconds: Int) -> ByteBuffer { ByteBuffer(string: "retry: \(milliseconds)\n\n") }

    /// Copies an encoded event, whose first line is its id, with another id.
    static func write(_ event: UnsafeRawBufferPointer, withID id: String, into buffer: inout ByteBuffer) {
        buffer.writeString("id: \(id)\n")
        guard let lineEnd = event.firstIndex(of: 0x0A) else { return }
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: event[(lineEnd + 1)...]))
    }
}

extension StreamRecord {
    /// The position in each of the stream's channels, in the order in which the client named them.
    var positionText: String {
        self.members.map { EventID(epoch: $0.channel.epoch, sequence: $0.position - 1).description }
            .joined(separator: ",")
    }
}
