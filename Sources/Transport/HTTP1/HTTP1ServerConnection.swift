// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The HTTP/1.1 side of one connection: carries out what its state machine says. Reading is llhttp's (NIOHTTP1) until
// a stream opens; from then on the parser is gone, and the connection is a socket that messages are written to.

import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#endif

/// One HTTP/1.1 connection. Belongs to its event loop.
public final class HTTP1ServerConnection: ChannelInboundHandler, RemovableChannelHandler, SweptConnection {
    public typealias InboundIn = ByteBuffer

    let connection: Connection
    let server: ServerLoop
    let channel: any Channel
    var machine = HTTP1ServerStateMachine()
    /// Monotonic nanoseconds; the sweep acts when it has passed.
    var deadline: Int64

    // The request being read or answered.
    var head: RequestHead?
    var body = ByteBuffer()
    var bodyLimit = 0
    var refusal: Response?
    /// Pipelined request parts whose turn has not come. Bound: one read's worth, because reading stops with the first.
    var held: [HTTPServerRequestPart] = []
    /// The answer to what could not be read behind them.
    var heldRejection: HTTP1Rejection?
    var isReadingPaused = false

    // The open stream.
    var token: StreamToken?
    var isChunked = true
    /// ``send(from:of:)`` said `.blocked`, so the application waits for word.
    var awaitsWritable = false

    // The socket.
    /// For what the kernel knows of the connection, below TLS too; `nil` without a socket, in a test.
    let socket: DirectSocket?
    /// The fan-out's way to the socket while the stream is open and nothing is queued.
    let gate: WriteGate
    /// The same with TLS below, found when the stream opens and kept for as long as this connection: the stream's
    /// ``StreamGate`` points into it.
    private(set) var tls: TLSHandler?
    /// Writes that NIO's queue holds because the kernel would not take them at once. Direct writes wait for zero.
    var pendingWrites = 0
    /// NIO reads what is left before it gives up a socket that takes no write, so the peer's end can be found inside of
    /// a write, which may be the application's own call: it is told later.
    var isInsideWrite = false
    var closesWhenFlushed = false
    private var discardedBytes = 0
    /// Nothing is in front of the socket, and it may be written to past the pipeline.
    let writesDirectly: Bool
    /// Its place among the connections of its loop.
    var place = -1

    // What is made of the bytes that come; see HTTP1ServerConnection+Input.swift. Once both are gone, nothing.
    var detector: ProtocolDetector? = ProtocolDetector()
    var decoder: HTTPRequestDecoder?
    /// What the decoder will want to see again. Bound: twice ``ServerLimits/maximumHeaderBytes``, and one read.
    var unparsed = ByteBuffer()
    var isParsing = false
    var reader: HTTP1RequestReader?
    /// While this is in a pipeline.
    var context: ChannelHandlerContext?

    init(connection: Connection, server: ServerLoop, channel: any Channel, isDirect: Bool) {
        self.connection = connection
        self.server = server
        self.gate = server.gates.take()
        self.channel = channel
        self.socket = DirectSocket(channel)
        self.writesDirectly = isDirect && server.limits.directWrites
        self.deadline = Clock.monotonic() + server.limits.headerTimeout
    }

    deinit { self.server.gates.giveBack(self.gate) }

    /// Puts this connection at the end of the channel's pipeline. On the channel's loop.
    /// - Parameter isDirect: nothing is in front of the channel's socket.
    static func install(
        connection: Connection,
        server: ServerLoop,
        channel: any Channel,
        isDirect: Bool
    ) throws {
        let handler = HTTP1ServerConnection(
            connection: connection, server: server, channel: channel, isDirect: isDirect
        )
        let reader = HTTP1RequestReader(handler)
        handler.reader = reader
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(handler)
        try pipeline.addHandler(reader)
        server.add(handler)
    }

    // MARK: Input

    /// Behind a stream or a final answer nothing is read as a request any more; `Connection: close` said so.
    func discard(_ count: Int) {
        self.discardedBytes += count
        guard self.discardedBytes > self.server.limits.maximumDiscardedBytes else { return }
        self.lose(.inputOverflow)
    }

    func inputClosed() {
        switch self.machine.inputClosed() {
        case .closeAfterResponse: break
        case .close: self.closeNow()
        case .endStream: self.endStream(.fin)
        }
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError {
            self.lose(.reading(errno: error.errnoCode))
        } else if let error = error as? TLSError {
            // The TLS handler has said what there is to say, and closes.
            self.connection.ends(by: .violation)
            self.server.report(error, from: self.connection)
        } else {
            self.parserFailed(error)
        }
    }

    /// What came is no request.
    func parserFailed(_ error: any Error) {
        if self.machine.awaitsResponse {
            // Answers come in the order of the requests (RFC 9112, section 9.3.2): this one waits for its turn.
            self.heldRejection = HTTP1RequestValidation.rejection(of: error)
        } else if self.machine.state == .idle || self.machine.acceptsBody {
            self.reject(HTTP1RequestValidation.rejection(of: error))
        }
        // After the last answer, and behind a stream, what the parser thinks of the rest is of no interest.
    }

    public func channelInactive(context: ChannelHandlerContext) {
        self.shutGate()
        self.server.connectionGone(self)
        if self.machine.connectionLost() { self.tellEnd(.fin, socket: nil) }
        self.dropParser()
    }

    // MARK: Ends

    func sweep(now: Int64) {
        guard now >= self.deadline else { return }
        switch self.machine.state {
        case .idle where self.connection.requestCount == 0, .readingBody:
            self.connection.ends(by: .timeout)
            self.reject(
                HTTP1Rejection(
                    status: .requestTimeout, detail: "The request was not complete in time; send it faster."
                )
            )
        case .idle, .lingering, .responding, .closed:
            self.connection.ends(by: .timeout)
            self.closeNow()
        case .streaming: self.deadline = .max
        }
    }

    func closeWhenIdle(by cause: ConnectionEnd) {
        // A connection without a request so far may have one on its way: it is answered, and closed then.
        switch self.machine.retire(isFresh: self.connection.requestCount == 0) {
        case .closeNow:
            self.connection.ends(by: cause)
            self.closeNow()
        case .afterResponse: self.connection.ends(by: cause)
        case .leaveStream: break
        }
    }

    func closeNow() {
        self.shutGate()
        self.channel.close(mode: .all, promise: nil)
    }

    /// For writes past the pipeline.
    var directSocket: DirectSocket? { self.writesDirectly ? self.socket : nil }

    /// With TLS, what writes past the pipeline is its handler: looks for it.
    func findTLS() {
        guard self.tls == nil, self.connection.tls != nil, self.server.limits.directWrites, let socket else { return }
        self.tls = TLSHandler.withGate(on: self.channel, to: socket)
    }

    func shutGate() {
        self.gate.shut()
        self.tls?.shutGate()
    }

    /// Stops parsing and ends our side after what is still to be written.
    func linger() {
        self.connection.ends(by: self.connection.isOverLimit ? .limit : .complete)
        self.dropParser()
        self.deadline = Clock.monotonic() + self.server.limits.bodyTimeout
        self.closesWhenFlushed = true
        self.shutDownIfFlushed()
    }

    func shutDownIfFlushed() {
        guard self.closesWhenFlushed, self.pendingWrites == 0 else { return }
        self.closesWhenFlushed = false
        self.deadline = Clock.monotonic() + self.server.limits.lingerTimeout
        self.channel.close(mode: .output, promise: nil)
    }

    /// The connection broke, or must: tells the application once, outside of any call of its own, and closes.
    func lose(_ cause: StreamEnd.Cause) {
        self.connection.ends(by: cause == .inputOverflow ? .violation : .peer)
        self.shutGate()
        let wasStreaming = self.machine.connectionLost()
        let socket = wasStreaming ? self.socket?.sample() : nil
        self.socket?.resetOnClose()
        let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        self.channel.eventLoop.execute {
            if wasStreaming { bound.value.tellEnd(cause, socket: socket) }
            bound.value.closeNow()
        }
    }

    private func endStream(_ cause: StreamEnd.Cause) {
        self.tellEnd(cause, socket: self.socket?.sample())
        self.closeNow()
    }

    private func tellEnd(_ cause: StreamEnd.Cause, socket: SocketSample?) {
        guard !self.isInsideWrite else {
            let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
            return self.channel.eventLoop.execute { bound.value.tellEnd(cause, socket: socket) }
        }
        guard let token = self.token else { return }
        self.token = nil
        self.connection.activeStreams = 0
        self.server.application.streamEnded(token, StreamEnd(cause: cause, socket: socket))
    }

    func socketSample() -> SocketSample? { self.socket?.sample() }
    func http2Sample() -> HTTP2ConnectionSample? { nil }
}

extension StreamEnd.Cause {
    /// What an error of the socket says of the peer.
    static func reading(errno code: CInt) -> StreamEnd.Cause {
        switch code {
        case ETIMEDOUT, EHOSTUNREACH, ENETUNREACH: .timedOut(code)
        default: .reset
        }
    }

    static func writing(errno code: CInt) -> StreamEnd.Cause {
        switch code {
        case ETIMEDOUT, EHOSTUNREACH, ENETUNREACH: .timedOut(code)
        default: .writeFailed(code)
        }
    }
}
