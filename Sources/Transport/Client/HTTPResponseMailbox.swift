// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Synchronization

/// Between the connection's loop, which puts events in, and one task, which takes them out.
///
/// Bound: what the connection's flow control lets in without consumption, see `HTTPFlow.manual`.
final class HTTPResponseMailbox: Sendable {
    private struct State {
        var head: HTTPClientResponseHead?
        /// Taken from the front by index, so that a long wait costs no moves.
        var chunks: [HTTPBodyChunk] = []
        var taken = 0
        var end: HTTPResponseEnd?
        /// One task as a rule; all are woken, and look for themselves.
        var waiters: [CheckedContinuation<Void, Never>] = []
        /// The task gave up before the exchange was there.
        var isCancelled = false
        var exchange: NIOLoopBound<HTTPClientExchange>?
        /// Taken and not yet told to the connection.
        var unreported = 0

        /// What one read brought becomes one piece with memory of its own: a small part must not keep the whole read,
        /// nor a flood of tiny frames an entry each.
        mutating func append(_ bytes: ByteBuffer, _ arrival: HTTPArrival) {
            if taken < chunks.count, chunks[chunks.count - 1].arrival == arrival {
                chunks[chunks.count - 1].bytes.writeImmutableBuffer(bytes)
            } else {
                var own = ByteBuffer()
                own.writeImmutableBuffer(bytes)
                chunks.append(HTTPBodyChunk(bytes: own, arrival: arrival))
            }
        }
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    /// Reports of consumption are gathered up to here: each is a hop to the loop.
    private static let reportBytes = 16_384

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    // MARK: On the loop

    func put(_ event: HTTPResponseEvent) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            switch event {
            case .informational: return []
            case .head(let head): state.head = head
            case .body(let bytes, let arrival): state.append(bytes, arrival)
            case .end(let end, _): state.end = end
            }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func started(_ exchange: HTTPClientExchange) {
        let bound = NIOLoopBound(exchange, eventLoop: eventLoop)
        let isCancelled = state.withLock { state in
            state.exchange = bound
            return state.isCancelled
        }
        if isCancelled { exchange.cancel() }
    }

    // MARK: On the task

    /// Ends the request; harmless after its end.
    func cancel() {
        let exchange = state.withLock { state in
            state.isCancelled = true
            return state.end == nil ? state.exchange : nil
        }
        guard let exchange else { return }
        eventLoop.execute { exchange.value.cancel() }
    }

    /// Waits for the final head.
    func head() async throws(HTTPClientError) -> HTTPClientResponseHead {
        await wait { $0.head != nil || $0.end != nil }
        let (head, end) = state.withLock { ($0.head, $0.end) }
        if let head { return head }
        if case .failed(let error)? = end { throw error }
        throw .cancelled
    }

    /// Waits for the next piece of the body; nil after the last.
    func chunk() async throws(HTTPClientError) -> HTTPBodyChunk? {
        while true {
            if let next = try take() { return next.chunk }
            await wait { $0.taken < $0.chunks.count || $0.end != nil }
        }
    }

    /// Waits for something that may be what is wanted. A cancelled task cancels the request, which ends the wait.
    private func wait(until isThere: @Sendable (borrowing State) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if isThere(state) { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
    }

    private struct Taken {
        var chunk: HTTPBodyChunk?
    }

    /// - Returns: nil when nothing is there yet; a `Taken` without chunk at the end.
    private func take() throws(HTTPClientError) -> Taken? {
        let (result, report) = state.withLock { state -> (Result<Taken?, HTTPClientError>, Int) in
            guard state.taken < state.chunks.count else {
                switch state.end {
                case .failed(let error)?: return (.failure(error), 0)
                case .complete?, .untilClose?: return (.success(Taken(chunk: nil)), 0)
                case nil: return (.success(nil), 0)
                }
            }
            let chunk = state.chunks[state.taken]
            state.chunks[state.taken].bytes = ByteBuffer()
            state.taken += 1
            state.unreported += chunk.bytes.readableBytes
            let isDrained = state.taken == state.chunks.count
            if isDrained || state.taken >= 64 {
                state.chunks.removeFirst(state.taken)
                state.taken = 0
            }
            guard isDrained || state.unreported >= Self.reportBytes else { return (.success(Taken(chunk: chunk)), 0) }
            let report = state.unreported
            state.unreported = 0
            return (.success(Taken(chunk: chunk)), report)
        }
        if report > 0, let exchange = state.withLock({ $0.end == nil ? $0.exchange : nil }) {
            eventLoop.execute { exchange.value.consumed(report) }
        }
        return try result.get()
    }

    /// How the response ended, once it has.
    var end: HTTPResponseEnd? {
        state.withLock { $0.end }
    }
}
