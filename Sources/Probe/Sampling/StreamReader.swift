// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore
import Telemetry
import Transport

/// Makes samples of a stream's bytes: the arrival of each read goes in, events, heartbeats and what else is in the
/// stream come out, each with the times of its first and last byte. No input or output, no clock.
public struct StreamReader {
    /// What a stream says, with when.
    public enum Item: Sendable {
        case event(EventSample)
        /// A comment line: a heartbeat as a rule.
        case comment(String, HTTPArrival)
        /// A block without data, which sets the last id or the reconnection time.
        case update(id: String?, retry: Int?)
        /// A line that no server-sent event has; see ``EventStreamDecoder/Item/foreign(_:)``.
        case foreign(String, HTTPArrival)
    }

    /// Why a body cannot be read any further.
    public enum Failure: Error, Sendable, Equatable {
        case stream(EventStreamError)
        case compression(GzipError)
    }

    private let path: Int
    private let stream: Int
    private let stamp: PublishStamp
    private var decoder: EventStreamDecoder
    private var gunzip: GunzipStream?
    private var number: Int
    /// The block that is not complete yet: when its first byte came, and how many bytes of it are here.
    private var blockStart: Int64?
    private var blockBytes = 0

    /// - Parameters:
    ///   - number: events of this stream before, on earlier connections.
    ///   - gunzip: set when the response is compressed.
    public init(
        path: Int,
        stream: Int,
        stamp: PublishStamp,
        limits: EventStreamLimits = .init(),
        lastEventID: String = "",
        number: Int = 0,
        gunzip: GunzipStream? = nil
    ) {
        self.path = path
        self.stream = stream
        self.stamp = stamp
        self.number = number
        self.gunzip = gunzip
        decoder = EventStreamDecoder(limits: limits, lastEventID: lastEventID, reportsForeignLines: true)
    }

    public var lastEventID: String { decoder.lastEventID }
    public var reconnectionTime: Int? { decoder.reconnectionTime }
    /// Whether the stream, if it ended here, would lose part of an event.
    public var hasUnfinishedEvent: Bool { decoder.hasUnfinishedEvent }

    /// Reads what one read of the socket brought of the body.
    public mutating func read(
        _ chunk: HTTPBodyChunk,
        into receive: (Item) -> Void
    ) throws(Failure) {
        guard let gunzip else {
            return try decode(chunk.bytes.readableBytesView, chunk.arrival, into: receive)
        }
        var plain = ByteBuffer()
        do throws(GzipError) {
            try chunk.bytes.withUnsafeReadableBytes { bytes throws(GzipError) in
                try gunzip.decompress(bytes) { plain.writeBytes($0) }
            }
        } catch {
            // What came out before is whole events.
            try decode(plain.readableBytesView, chunk.arrival, into: receive)
            throw .compression(error)
        }
        try decode(plain.readableBytesView, chunk.arrival, into: receive)
    }

    private mutating func decode(
        _ bytes: ByteBufferView,
        _ arrival: HTTPArrival,
        into receive: (Item) -> Void
    ) throws(Failure) {
        if bytes.isEmpty { return }
        var position = 0
        var blockStart = self.blockStart ?? arrival.time
        var carried = blockBytes
        var number = self.number
        let (path, stream, stamp) = (path, stream, stamp)
        defer {
            self.number = number
            blockBytes = carried + bytes.count - position
            self.blockStart = blockBytes > 0 ? blockStart : nil
        }
        do throws(EventStreamError) {
            try decoder.decode(
                bytes,
                positioned: { item, end in
                    switch item {
                    case .event(let event):
                        number += 1
                        receive(
                            .event(
                                EventSample(
                                    path: path, stream: stream, number: number, id: event.id, type: event.type,
                                    sequence: stamp.sequence(in: event.data), publishTime: stamp.time(in: event.data),
                                    firstByte: blockStart, lastByte: arrival.time, bytes: carried + end - position,
                                    read: arrival.read, digest: EventSample.digest(type: event.type, data: event.data)))
                        )
                    case .update(let id, let retry): receive(.update(id: id, retry: retry))
                    case .comment(let text): receive(.comment(text, arrival))
                    case .foreign(let line): receive(.foreign(line, arrival))
                    }
                    blockStart = arrival.time
                    carried = 0
                    position = end
                })
        } catch {
            throw .stream(error)
        }
    }
}
