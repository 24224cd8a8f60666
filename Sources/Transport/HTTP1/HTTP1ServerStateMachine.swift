// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where an HTTP/1.1 server connection stands between its requests (RFC 9112, section 9). No I/O: each input is a verb
// and returns what the connection has to do.

import NIOHTTP1

struct HTTP1ServerStateMachine {
    enum State: Equatable {
        /// Between requests.
        case idle
        /// Reading a request's body.
        case readingBody(keepAlive: Bool)
        /// The application has the request.
        case responding(keepAlive: Bool)
        /// A response body of messages is open. Always the last response on the connection: its parser is gone.
        case streaming
        /// We have said all we will; what still comes is dropped until the peer's FIN.
        case lingering
        case closed
    }

    private(set) var state = State.idle
    /// Set when the server wants no further request: the next response says `Connection: close`.
    private(set) var isRetiring = false

    enum HeadAction: Equatable {
        case accept
        /// Bytes behind a stream or a final answer.
        case discard
        /// A pipelined request whose turn has not come.
        case hold
    }

    mutating func headReceived(keepAlive: Bool) -> HeadAction {
        switch self.state {
        case .idle:
            self.state = .readingBody(keepAlive: keepAlive)
            return .accept
        case .responding: return .hold
        case .readingBody, .streaming, .lingering, .closed: return .discard
        }
    }

    /// Whether body bytes belong to the request being read.
    var acceptsBody: Bool {
        if case .readingBody = self.state { true } else { false }
    }

    /// - Returns: `true` if a request is now complete and goes to the application.
    mutating func endReceived() -> Bool {
        guard case .readingBody(let keepAlive) = self.state else { return false }
        self.state = .responding(keepAlive: keepAlive)
        return true
    }

    enum ResponseAction: Equatable {
        /// Write the response; more requests may follow.
        case keepAlive
        /// Write the response with `Connection: close`, end our side, and linger.
        case close
        /// The peer is gone, or the request was answered before.
        case drop
    }

    /// A complete response is about to be written. An answer before the body's end forbids another request: the rest
    /// of the body would have to be read to find it.
    mutating func responseStarted(mustClose: Bool) -> ResponseAction {
        switch self.state {
        case .responding(keepAlive: true) where !mustClose && !self.isRetiring:
            self.state = .idle
            return .keepAlive
        case .idle, .readingBody, .responding:
            self.state = .lingering
            return .close
        case .streaming, .lingering, .closed:
            return .drop
        }
    }

    /// Whether the application has a request and somebody waits for the answer.
    var awaitsResponse: Bool {
        if case .responding = self.state { true } else { false }
    }

    /// - Returns: `false` if the peer has gone.
    mutating func streamStarted() -> Bool {
        guard self.awaitsResponse else { return false }
        self.state = .streaming
        return true
    }

    /// The application ended its stream. - Returns: `false` if it had ended already.
    mutating func streamFinished() -> Bool {
        guard self.state == .streaming else { return false }
        self.state = .lingering
        return true
    }

    enum InputClosedAction: Equatable {
        case close
        /// The open stream's peer has gone: say so, then close.
        case endStream
        /// A request is being answered and the peer may still read: answer, then close.
        case closeAfterResponse
    }

    /// The peer's FIN. A half-closed client with an open stream counts as gone: SSE clients and intermediaries do not
    /// half-close, and a stream to nobody would otherwise be kept until a write fails.
    mutating func inputClosed() -> InputClosedAction {
        switch self.state {
        case .responding:
            self.isRetiring = true
            return .closeAfterResponse
        case .streaming:
            self.state = .closed
            return .endStream
        case .idle, .readingBody, .lingering, .closed:
            self.state = .closed
            return .close
        }
    }

    /// - Returns: `true` if a stream was open and its end has not been told yet.
    mutating func connectionLost() -> Bool {
        defer { self.state = .closed }
        return self.state == .streaming
    }

    enum RetireAction: Equatable { case closeNow, afterResponse, leaveStream }

    /// The server is draining. A fresh connection has not had a request yet.
    mutating func retire(isFresh: Bool) -> RetireAction {
        self.isRetiring = true
        switch self.state {
        case .idle where isFresh: return .afterResponse
        case .idle:
            self.state = .closed
            return .closeNow
        case .streaming: return .leaveStream
        case .readingBody, .responding, .lingering, .closed: return .afterResponse
        }
    }
}
