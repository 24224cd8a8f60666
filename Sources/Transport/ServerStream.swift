// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One request and its answer, on whichever protocol carried it. A value that names the connection and, where there
// are several, the stream on it; all of it belongs to the connection's event loop.

import NIOCore

/// How far ``ServerStream/send(from:of:)`` got.
public enum SendOutcome: Equatable {
    /// Everything up to the head of the log is with the socket.
    case caughtUp
    /// The stream takes no more for now; ``Application/streamBecameWritable(_:)`` will say when it does.
    case blocked
}

/// The server's side of one request.
public enum ServerStream {
    case http1(HTTP1ServerConnection)
    case http2(HTTP2ServerConnection, StreamSlot)

    /// The connection that carries this stream.
    public var connection: Connection {
        switch self {
        case .http1(let connection): connection.connection
        case .http2(let connection, _): connection.connection
        }
    }

    /// Whether somebody still waits for the answer.
    public var awaitsResponse: Bool {
        switch self {
        case .http1(let connection): connection.machine.awaitsResponse
        case .http2(let connection, let slot): connection.exchanges[slot]?.request != nil
        }
    }

    /// Answers the request completely.
    public func respond(_ response: Response) {
        switch self {
        case .http1(let connection): connection.respond(response)
        case .http2(let connection, let slot): connection.respond(response, on: slot)
        }
    }

    /// Answers with a head and keeps the stream open for messages.
    /// - Parameters:
    ///   - head: status and fields; its body is ignored.
    ///   - token: what ``Application`` calls name this stream by.
    ///   - preamble: the first bytes of the body, sent together with the head.
    ///
    /// Without ``awaitsResponse`` nothing happens, and no call will name `token`.
    public func open(_ head: Response, token: StreamToken, preamble: ByteBuffer) {
        switch self {
        case .http1(let connection): connection.open(head, token: token, preamble: preamble)
        case .http2(let connection, let slot):
            connection.open(head, on: slot, token: token, preamble: preamble)
        }
    }

    /// Hands the messages from `position` to the head of `log` to the connection, and moves `position` past every
    /// message that was taken. The delivery path: it allocates nothing unless the socket is full.
    @inline(__always)
    public func send(from position: inout UInt64, of log: FramedLog) -> SendOutcome {
        switch self {
        case .http1(let connection): connection.send(from: &position, of: log)
        case .http2(let connection, let slot): connection.send(from: &position, of: log, on: slot)
        }
    }

    /// The short way past ``send(from:of:)`` for a pass over many streams. Hold the stream for as long as its gate.
    public var gate: StreamGate {
        switch self {
        case .http1(let connection):
            connection.tls.map { StreamGate($0.connection) } ?? StreamGate(connection.gate)
        case .http2(let connection, let slot): StreamGate(connection, slot)
        }
    }

    /// Goes on, as ``send(from:of:)``, after a write through the gate that was not taken whole.
    /// - Parameters:
    ///   - outcome: what the gate returned.
    ///   - run: what it was given: the messages from `position` on.
    public func resume(
        after outcome: WriteOutcome,
        of run: FramedLog.Run,
        from position: inout UInt64,
        in log: FramedLog
    ) -> SendOutcome {
        switch self {
        case .http1(let connection): connection.resume(after: outcome, of: run, from: &position, in: log)
        case .http2: self.send(from: &position, of: log)
        }
    }

    /// The identifier of an HTTP/2 stream on its connection.
    public var http2StreamID: UInt32? {
        switch self {
        case .http1: nil
        case .http2(let connection, let slot): connection.session.streamID(of: slot)
        }
    }

    /// Whether it takes nothing because its peer has closed a window: the stream's own, or the connection's.
    public var waitsForWindow: Bool {
        switch self {
        case .http1: false
        case .http2(let connection, let slot): connection.session.waitsForWindow(slot)
        }
    }

    /// Hands one message to the connection. `false` if the stream is blocked: then none of it was taken.
    public func send(_ message: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .http1(let connection): connection.send(message)
        case .http2(let connection, let slot): connection.send(message, on: slot)
        }
    }

    /// Ends an open stream after everything that was taken, with `lastMessage` before the end if there is one.
    public func finish(_ lastMessage: ByteBuffer?) {
        switch self {
        case .http1(let connection): connection.finish(lastMessage)
        case .http2(let connection, let slot): connection.finish(lastMessage, on: slot)
        }
    }

    /// Ends an open stream at once; what the peer has not read yet is lost.
    public func abort() {
        switch self {
        case .http1(let connection): connection.abort()
        case .http2(let connection, let slot): connection.abort(slot)
        }
    }

    /// The socket's state now; `nil` when it is gone.
    public func socketSample() -> SocketSample? {
        switch self {
        case .http1(let connection): connection.socketSample()
        case .http2(let connection, _): connection.socketSample()
        }
    }
}
