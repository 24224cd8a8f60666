// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import Transport

/// Opens one stream and follows it to its end, into a ``SampleSink``. Cancelling the task ends the stream.
public struct StreamFollower: Sendable {
    public let path: ProbePath
    /// The place of the path among those of the run.
    public let index: Int
    public let stream: Int
    public let connections: PathConnections
    public let recording: any SampleSink
    public var stamp = PublishStamp()
    public var limits = EventStreamLimits()
    public var traceparent: String?

    public init(
        path: ProbePath,
        index: Int,
        stream: Int,
        connections: PathConnections,
        recording: any SampleSink
    ) {
        self.path = path
        self.index = index
        self.stream = stream
        self.connections = connections
        self.recording = recording
    }

    /// Follows one attempt.
    /// - Parameters:
    ///   - attempt: from 1.
    ///   - lastEventID: where to go on.
    ///   - number: events that the stream has had before.
    ///   - retry: the reconnection time in force, in milliseconds.
    public func follow(
        attempt: Int = 1,
        lastEventID: String = "",
        number: Int = 0,
        retry: Int? = nil
    ) async -> StreamRecord {
        var record = StreamRecord(path: index, stream: stream, attempt: attempt, started: Clock.monotonic())
        record.lastEventID = lastEventID
        record.retry = retry
        recording.put(record)
        do throws(ProbeError) {
            let response = try await open(&record)
            recording.put(record)
            try await ResponseCheck.check(response)
            try await read(response, number: number, into: &record)
        } catch {
            record.ending = Task.isCancelled ? .stopped : .failed(error)
        }
        record.ended = Clock.monotonic()
        recording.put(record)
        return record
    }

    private func open(_ record: inout StreamRecord) async throws(ProbeError) -> HTTPClientResponse {
        let request = path.request(lastEventID: record.lastEventID, traceparent: traceparent)
        var failure = HTTPClientError.connectionClosing
        var races = 0
        // A connection can fill up or close between the lease and the request; the server has not seen the request.
        for _ in 0..<Self.leaseLimit {
            do throws(HTTPClientError) {
                let lease = try await connections.lease()
                record.started = lease.started ?? Clock.monotonic()
                let response = try await lease.connection.request(request)
                record.note(response, lease: lease)
                return response
            } catch {
                failure = error
            }
            switch failure {
            // Others were quicker, and have filled a connection with each round.
            case .streamLimit(let limit) where limit > 0: continue
            case .connectionClosing, .notProcessed, .busy: races += 1
            default: races = Self.raceLimit
            }
            if races >= Self.raceLimit { break }
        }
        throw .connection(failure)
    }

    /// Rounds for a place on a shared connection: 20,000 streams on connections of 10 each need fewer.
    private static let leaseLimit = 4_096
    private static let raceLimit = 3

    private func read(
        _ response: HTTPClientResponse,
        number: Int,
        into record: inout StreamRecord
    ) async throws(ProbeError) {
        var reader = StreamReader(
            path: index, stream: stream, stamp: stamp, limits: limits, lastEventID: record.lastEventID, number: number,
            gunzip: try ResponseCheck.gunzip(for: response.head))
        var chunks = response.body.makeAsyncIterator()
        // At most so often, so that a live view sees the stream change without a copy for each read.
        var shown: Int64 = 0
        while let chunk = try await Self.next(&chunks) {
            record.note(chunk)
            let failure = take(chunk, with: &reader, into: &record)
            record.lastEventID = reader.lastEventID
            record.retry = reader.reconnectionTime ?? record.retry
            record.hasUnfinishedEvent = reader.hasUnfinishedEvent
            if let failure {
                response.body.cancel()
                throw .unreadable(failure)
            }
            if chunk.arrival.time - shown > Self.showInterval {
                shown = chunk.arrival.time
                recording.put(record)
            }
        }
        record.ending = response.body.end == .untilClose ? .untilClose : .complete
    }

    private static let showInterval: Int64 = 100_000_000

    private static func next(
        _ chunks: inout HTTPResponseBody.Iterator
    ) async throws(ProbeError) -> HTTPBodyChunk? {
        do throws(HTTPClientError) {
            return try await chunks.next(isolation: nil)
        } catch {
            throw .connection(error)
        }
    }

    private func take(
        _ chunk: HTTPBodyChunk,
        with reader: inout StreamReader,
        into record: inout StreamRecord
    ) -> StreamReader.Failure? {
        do throws(StreamReader.Failure) {
            try reader.read(chunk) { item in
                record.note(item)
                if case .event(let sample) = item { recording.add(sample) }
            }
            return nil
        } catch {
            return error
        }
    }
}
