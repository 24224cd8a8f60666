// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// A response whose head is there and whose body may still be coming.
public struct HTTPClientResponse: Sendable {
    public let head: HTTPClientResponseHead
    /// Up to the head; the first byte's time is in the first chunk's arrival.
    public let phases: PhaseTimes
    public let body: HTTPResponseBody

    /// The whole body in one buffer.
    /// - Throws: `.bodyTooLarge` over `limit` bytes; the request is cancelled then.
    public func collect(upTo limit: Int) async throws(HTTPClientError) -> ByteBuffer {
        var whole = ByteBuffer()
        var chunks = body.makeAsyncIterator()
        while let chunk = try await chunks.next(isolation: nil) {
            guard whole.readableBytes + chunk.bytes.readableBytes <= limit else {
                body.cancel()
                throw .bodyTooLarge(limit: limit)
            }
            whole.writeImmutableBuffer(chunk.bytes)
        }
        return whole
    }
}

/// What one read of the connection brought of a body, and when.
public struct HTTPBodyChunk: Sendable, Hashable {
    public var bytes: ByteBuffer
    public var arrival: HTTPArrival

    public init(bytes: ByteBuffer, arrival: HTTPArrival) {
        self.bytes = bytes
        self.arrival = arrival
    }
}

/// The body of a response, piece by piece as it arrives. For one consumer; who consumes slowly slows the server down.
/// Letting go of the last copy cancels the request.
public struct HTTPResponseBody: AsyncSequence, Sendable {
    public typealias Element = HTTPBodyChunk
    public typealias Failure = HTTPClientError

    fileprivate final class Lease: Sendable {
        let mailbox: HTTPResponseMailbox

        init(mailbox: HTTPResponseMailbox) {
            self.mailbox = mailbox
        }

        deinit {
            mailbox.cancel()
        }
    }

    private let lease: Lease

    init(mailbox: HTTPResponseMailbox) {
        lease = Lease(mailbox: mailbox)
    }

    /// Ends the request: RST_STREAM with CANCEL in HTTP/2, the end of the connection in HTTP/1.1.
    public func cancel() {
        lease.mailbox.cancel()
    }

    /// How the response ended, trailers included; nil while it goes on.
    public var end: HTTPResponseEnd? {
        lease.mailbox.end
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(lease: lease)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let lease: Lease

        fileprivate init(lease: Lease) {
            self.lease = lease
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPClientError) -> HTTPBodyChunk? {
            try await lease.mailbox.chunk()
        }

        public mutating func next() async throws(HTTPClientError) -> HTTPBodyChunk? {
            try await lease.mailbox.chunk()
        }
    }
}

extension HTTPClientConnection {
    /// Sends a request and waits for the head of its response. Cancelling the task cancels the request.
    ///
    /// Informational responses are passed over. The phases of the connection's making belong to its first request.
    public func request(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientResponse {
        let mailbox = HTTPResponseMailbox(eventLoop: eventLoop)
        let body = HTTPResponseBody(mailbox: mailbox)
        let started = eventLoop.makePromise(of: Result<Bool, HTTPClientError>.self)
        eventLoop.execute {
            let link = self.link
            do throws(HTTPClientError) {
                let isFirst = link.startedRequests == 0
                mailbox.started(try link.start(request, flow: .manual) { mailbox.put($0) })
                started.succeed(.success(isFirst))
            } catch {
                started.succeed(.failure(error))
            }
        }
        let outcome: Result<Bool, HTTPClientError>
        do {
            outcome = try await started.futureResult.get()
        } catch {
            throw .connectionClosing
        }
        var times = PhaseTimes(connection: try outcome.get() ? phases : nil)
        let head = try await mailbox.head()
        times.requestWritten = head.requestWritten
        times.headReceived = head.arrival.time
        return HTTPClientResponse(head: head, phases: times, body: body)
    }
}
