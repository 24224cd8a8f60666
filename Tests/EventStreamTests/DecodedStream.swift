// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore

/// What a decoder made of a stream, in a form that tests compare.
///
/// Items are written out in ASCII, because `==` on strings goes by canonical equivalence and would overlook changed
/// bytes, and because a failed expectation then shows control characters.
struct DecodedStream: Equatable {
    var items: [String] = []
    var error: EventStreamError?
    var lastEventID = ""
    var reconnectionTime: Int?

    /// Feeds `pieces` to `decoder`, stopping at an error.
    init(_ pieces: [[UInt8]], decoder: EventStreamDecoder = EventStreamDecoder()) {
        var decoder = decoder
        for piece in pieces {
            var buffer = ByteBuffer(bytes: piece)
            do throws(EventStreamError) {
                try decoder.decode(&buffer) { items.append(spelledOut($0)) }
            } catch {
                self.error = error
                break
            }
        }
        lastEventID = decoder.lastEventID
        reconnectionTime = decoder.reconnectionTime
    }

    init(items: [EventStreamDecoder.Item], lastEventID: String, reconnectionTime: Int?) {
        self.items = items.map(spelledOut)
        self.lastEventID = lastEventID
        self.reconnectionTime = reconnectionTime
    }
}

func spelledOut(_ item: EventStreamDecoder.Item) -> String {
    switch item {
    case .event(let event):
        let type = spelledOut(event.type)
        let id = spelledOut(event.id)
        let retry = event.retry.map(String.init) ?? "nil"
        let last = spelledOut(event.lastEventID)
        return "event type=\(type) data=\(spelledOut(event.data)) id=\(id) retry=\(retry) last=\(last)"
    case .update(let id, let retry):
        return "update id=\(spelledOut(id)) retry=\(retry.map(String.init) ?? "nil")"
    case .comment(let text):
        return "comment \(spelledOut(text))"
    case .foreign(let line):
        return "foreign \(spelledOut(line))"
    }
}

private func spelledOut(_ text: String?) -> String {
    guard let text else { return "nil" }
    return "'" + text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() + "'"
}
