// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What a publisher sent, as events: one for JSON and plain text, one for each line of NDJSON, and one for each block
// of an event stream. Data is kept byte for byte; ids are the channel's and never the publisher's.

import EventStream
import NIOCore

/// One event on its way into a channel.
struct PublishedEvent: Sendable, Equatable {
    var type: String?
    var retry: Int?
    var data: ByteBuffer
}

/// Why a publish was refused, as a sentence that says what to send instead.
enum PublishBodyError: Error, Equatable {
    /// 415.
    case unsupportedType(String)
    /// 400.
    case malformed(String)
}

enum PublishBody {
    /// Events in one request. Bound: a body of a megabyte could otherwise hold half a million.
    static let maximumEvents = 10_000

    static let acceptedTypes = "application/json, application/x-ndjson, text/plain or text/event-stream"

    /// - Parameters:
    ///   - contentType: the field's value; a missing one counts as `text/plain`.
    ///   - type: the event type from the query, for events that bring none of their own.
    ///   - retry: likewise.
    static func parse(
        _ body: ByteBuffer,
        contentType: String?,
        type: String?,
        retry: Int?
    ) throws(PublishBodyError) -> [PublishedEvent] {
        let mediaType = (contentType ?? "text/plain").split(separator: ";").first.map {
            $0.lowercased().filter { $0 != " " && $0 != "\t" }
        }
        guard body.withUnsafeReadableBytes({ String(validating: $0, as: UTF8.self) }) != nil else {
            // A receiver would decode something else than was published (HTML, section 9.2.5: "Streams must be UTF-8").
            throw .malformed("The body is not UTF-8; event streams can carry nothing else.")
        }
        switch mediaType {
        case "application/json":
            try self.checkJSON(body, what: "The body")
            return [PublishedEvent(type: type, retry: retry, data: body)]
        case "application/x-ndjson", "application/ndjson", "application/jsonl":
            return try self.lines(of: body, type: type, retry: retry)
        case "text/plain":
            return [PublishedEvent(type: type, retry: retry, data: body)]
        case "text/event-stream":
            return try self.blocks(of: body, type: type, retry: retry)
        default:
            throw .unsupportedType("Content-Type is \"\(mediaType ?? "")\"; send \(self.acceptedTypes).")
        }
    }

    private static func lines(
        of body: ByteBuffer,
        type: String?,
        retry: Int?
    ) throws(PublishBodyError) -> [PublishedEvent] {
        var events: [PublishedEvent] = []
        var number = 0
        for line in body.readableBytesView.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            guard events.count < self.maximumEvents else { throw self.tooMany }
            let data = ByteBuffer(bytes: line)
            try self.checkJSON(data, what: "Line \(number)")
            events.append(PublishedEvent(type: type, retry: retry, data: data))
        }
        guard !events.isEmpty else { throw .malformed("The body has no line; send one JSON text on each line.") }
        return events
    }

    private static func blocks(
        of body: ByteBuffer,
        type: String?,
        retry: Int?
    ) throws(PublishBodyError) -> [PublishedEvent] {
        // The last block counts also without its blank line: the request's own end says that it is complete.
        var body = body
        body.writeStaticString("\n\n")
        var decoder = EventStreamDecoder(
            limits: EventStreamLimits(maximumLineBytes: body.readableBytes, maximumEventBytes: body.readableBytes),
            reportsComments: false
        )
        var events: [PublishedEvent] = []
        do throws(EventStreamError) {
            try decoder.decode(&body) { item in
                guard case .event(let event) = item, events.count <= self.maximumEvents else { return }
                events.append(
                    PublishedEvent(
                        type: event.type ?? type, retry: event.retry ?? retry, data: ByteBuffer(string: event.data)
                    )
                )
            }
        } catch {
            throw .malformed("The body is not an event stream that can be taken: \(error)")
        }
        guard events.count <= self.maximumEvents else { throw self.tooMany }
        guard !events.isEmpty else {
            throw .malformed("The body has no event; each needs at least one \"data:\" line.")
        }
        return events
    }

    private static var tooMany: PublishBodyError {
        .malformed("The body has more than \(self.maximumEvents) events; send them in several requests.")
    }

    private static func checkJSON(_ body: ByteBuffer, what: String) throws(PublishBodyError) {
        guard body.withUnsafeReadableBytes({ JSONWellFormedness.check($0) }) else {
            throw .malformed("\(what) is not well-formed JSON (RFC 8259); send text/plain for other text.")
        }
    }
}
