// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One HTTP/1.1 connection as its client sees it: which part of which response may come now (RFC 9112).
///
/// A pure state machine; parsing is the decoder's, bytes and time are the connection's.
struct HTTP1ClientStateMachine {
    private enum State {
        case idle
        case awaitingHead(informational: Int)
        case body(keepAlive: Bool, isDelimited: Bool)
        /// No further request: closed, closing, or failed.
        case closed
    }

    private var state = State.idle
    private let maximumInformational: Int

    init(maximumInformational: Int) {
        self.maximumInformational = maximumInformational
    }

    enum RequestAction: Equatable {
        case send
        case refuseBusy
        case refuseClosed
    }

    mutating func requested() -> RequestAction {
        switch state {
        case .idle:
            state = .awaitingHead(informational: 0)
            return .send
        case .awaitingHead, .body: return .refuseBusy
        case .closed: return .refuseClosed
        }
    }

    enum HeadAction: Equatable {
        case deliverInformational
        case deliver
        case failTooManyInformational
        /// 101 although no upgrade was asked for (RFC 9110 section 15.2.2).
        case failUpgrade
        case failUnsolicited
        case ignore
    }

    /// - Parameter isDelimited: the body's end shows in its framing.
    mutating func headReceived(status: Int, keepAlive: Bool, isDelimited: Bool) -> HeadAction {
        switch state {
        case .idle: return .failUnsolicited
        case .closed: return .ignore
        case .body: return .failUnsolicited
        case .awaitingHead(let count):
            if status == 101 { return .failUpgrade }
            guard (100..<200).contains(status) else {
                state = .body(keepAlive: keepAlive && isDelimited, isDelimited: isDelimited)
                return .deliver
            }
            guard count < maximumInformational else { return .failTooManyInformational }
            state = .awaitingHead(informational: count + 1)
            return .deliverInformational
        }
    }

    /// Whether body bytes have a taker.
    var deliversBody: Bool {
        if case .body = state { true } else { false }
    }

    enum EndAction: Equatable {
        case completeAndKeep
        case completeAndClose
        /// The end of the connection was the end of the body.
        case completeUntilClose
        case ignore
    }

    /// The decoder saw the end of a response.
    mutating func responseEnded() -> EndAction {
        guard case .body(let keepAlive, let isDelimited) = state else { return .ignore }
        guard keepAlive else {
            state = .closed
            return isDelimited ? .completeAndClose : .completeUntilClose
        }
        state = .idle
        return .completeAndKeep
    }

    /// The connection ended or is given up.
    /// - Returns: how far the response was that has to fail now, or nil when none is under way.
    mutating func closed() -> HTTPResponseProgress? {
        defer { state = .closed }
        switch state {
        case .idle, .closed: return nil
        case .awaitingHead(let informational): return informational > 0 ? .partialHead : .nothing
        case .body: return .body
        }
    }

    var isIdle: Bool {
        if case .idle = state { true } else { false }
    }

    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    var awaitsHead: Bool {
        if case .awaitingHead = state { true } else { false }
    }

    /// The body under way ends with the connection.
    var endsWithConnection: Bool {
        if case .body(_, isDelimited: false) = state { true } else { false }
    }
}
