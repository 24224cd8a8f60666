// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The HTTP/2 side of one connection: feeds the session what is read, writes what it has to say, and carries events to
// the application. All protocol is in the session; this file is reading, ends and time.

import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// One HTTP/2 connection. Belongs to its event loop.
public final class HTTP2ServerConnection: ChannelInboundHandler, SweptConnection {
    public typealias InboundIn = ByteBuffer

    let connection: Connection
    let server: ServerLoop
    let channel: any Channel
    /// Unchecked, because each event would pay for the check and nothing can overlap: the session calls nobody, and
    /// only its ``HTTP2ServerSession/withOutput(_:)`` lends anything out, to a system call.
    @exclusivity(unchecked) var session: HTTP2ServerSession
    var exchanges = HTTP2ExchangeTable<HTTP2Exchange>()
    /// Requests whose body is not complete. Bound: the session's concurrent streams.
    var unfinished: Set<StreamSlot> = []
    /// Bytes of request bodies held. Bound: ``ServerLimits/maximumPendingBodyBytes`` and one window.
    var pendingBodyBytes = 0
    /// For what the kernel knows of the connection, below TLS too; `nil` without a socket, in a test.
    private let socket: DirectSocket?
    /// Nothing is in front of the socket, and output may go to it past the channel's queue.
    private let writesDirectly: Bool
    /// Bytes that NIO's queue holds. New output waits in the session, which bounds it.
    private var queuedBytes = 0
    /// Unchecked likewise: read for each event.
    @exclusivity(unchecked) private(set) var isFlushScheduled = false
    /// Inside ``process()``: calls of the application's only add output then.
    private var isProcessing = false
    var isReadingPaused = false
    /// Nothing more is read or written.
    private(set) var isClosing = false
    /// Its place among the connections of its loop.
    var place = -1
    /// When the peer must have done what it owes us: a preface, or its FIN.
    private var deadline: Int64
    private var idleSince: Int64
    /// Since when a field block has been on its way.
    private var headerBlockSince: Int64?
    private var lastTick: Int64
    private var gracefulSince: Int64?
    /// The peer's GOAWAY, which is evidence when the connection ends.
    private var peerGoAway: (code: HTTP2ErrorCode, debug: String)?

    init(connection: Connection, server: ServerLoop, channel: any Channel, writesDirectly: Bool) {
        let now = Clock.monotonic()
        self.connection = connection
        self.server = server
        self.channel = channel
        self.session = HTTP2ServerSession(configuration: server.limits.http2, now: now)
        self.socket = DirectSocket(channel)
        self.writesDirectly = writesDirectly
        self.deadline = now + server.limits.headerTimeout
        self.idleSince = now
        self.lastTick = now
        connection.applicationProtocol = .http2
    }

    public func handlerAdded(context: ChannelHandlerContext) {
        self.server.add(self)
        self.server.establish(self.connection)
        // Our SETTINGS go out before the peer's preface is complete (RFC 9113, section 3.4).
        self.scheduleFlush()
    }

    // MARK: Input

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.received(self.unwrapInboundIn(data))
    }

    func received(_ bytes: ByteBuffer) {
        guard !self.isClosing else { return }
        self.session.receive(bytes, now: Clock.monotonic())
        self.process()
    }

    /// Handles every event that the input holds, then writes what came of it.
    private func process() {
        guard !self.isClosing else { return }
        self.isProcessing = true
        while !self.isClosing, let event = self.session.nextEvent() { self.handle(event) }
        self.isProcessing = false
        self.setReading(paused: self.session.isInputPaused)
        self.resumeWaiting()
        if self.session.hasOutput { self.flush() }
        self.closeIfOver()
    }

    private func handle(_ event: HTTP2Event) {
        switch event {
        case .request(let slot, let request, let endStream): self.begin(slot, request, isComplete: endStream)
        case .data(let slot, let bytes, let endStream): self.received(bytes, on: slot, isComplete: endStream)
        case .trailers(let slot, _): self.received(ByteBuffer(), on: slot, isComplete: true)
        case .streamEnded(let slot, .resetByPeer(let code), _): self.forget(slot, cause: .rstStream(code.rawValue))
        case .streamEnded(let slot, .violation(let code), _): self.forget(slot, cause: .violation(code.rawValue))
        case .pingAcknowledged: break
        case .goAwayReceived(let code, let debug, _):
            self.peerGoAway = (code, debug)
            self.connection.goAwayReceived = code
        case .connectionError(let code, _):
            self.connection.ends(by: .violation)
            self.connection.goAwaySent = code
            self.endAll(.violation(code.rawValue))
        }
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        self.endAll(self.endOfConnection(isReset: false))
        self.closeNow()
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError {
            self.connection.ends(by: .violation)
            self.server.report(error, from: self.connection)
        }
        let code = (error as? IOError)?.errnoCode ?? EPROTO
        switch StreamEnd.Cause.reading(errno: code) {
        case .timedOut(let code): self.endAll(.timedOut(code))
        default: self.endAll(self.endOfConnection(isReset: true))
        }
        self.closeNow()
    }

    public func channelInactive(context: ChannelHandlerContext) {
        self.isClosing = true
        self.endAll(self.endOfConnection(isReset: false))
        self.server.connectionGone(self)
    }

    private func endOfConnection(isReset: Bool) -> StreamEnd.Cause {
        if let peerGoAway { return .goAway(peerGoAway.code.rawValue, debug: peerGoAway.debug) }
        return .tcpEndUnderOpenStreams(isReset: isReset)
    }

    /// Ends every stream, telling the application outside of any call of its own.
    func endAll(_ cause: StreamEnd.Cause) {
        let open = self.exchanges.all
        self.exchanges = HTTP2ExchangeTable()
        self.connection.activeStreams = 0
        guard open.contains(where: { $0.token != nil }) else { return }
        let sample = self.socketSample()
        let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        let tokens = open.compactMap(\.token)
        self.channel.eventLoop.execute {
            for token in tokens {
                bound.value.server.application.streamEnded(token, StreamEnd(cause: cause, socket: sample))
            }
        }
    }

    // MARK: Output

    /// One write at the end of the turn for everything that the turn's streams have to say.
    func scheduleFlush() {
        guard !self.isFlushScheduled, !self.isProcessing, !self.isClosing else { return }
        self.isFlushScheduled = true
        self.channel.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
            self.resumeWaiting()
            self.closeIfOver()
        }
    }

    func flush() {
        defer { self.resumeReading() }
        // While the queue holds bytes, more would only make it longer: the session keeps them, and its bound holds.
        while self.queuedBytes == 0, self.session.hasOutput, !self.isClosing {
            guard self.writesDirectly, let socket = self.socket else { return self.enqueue() }
            switch self.session.withOutput({ (socket.write($0), $0.count) }) {
            case (.wrote(let count), let offered), (.buffered(let count), let offered):
                self.session.outputWritten(count)
                if count < offered { return self.enqueue() }
            case (.failed(let code), _): return self.lose(.writing(errno: code))
            }
        }
    }

    /// The kernel is full, or there is none directly below: NIO's queue takes over and says when it is done.
    private func enqueue() {
        let bytes = self.session.takeOutput()
        let count = bytes.readableBytes
        self.queuedBytes += count
        self.channel.writeAndFlush(bytes).assumeIsolated().whenComplete { result in
            self.queuedBytes -= count
            switch result {
            case .success:
                self.session.outputFlushed(count)
                // Not from here: this may be inside the application's own call.
                self.scheduleFlush()
            case .failure(let error): self.lose(.writing(errno: (error as? IOError)?.errnoCode ?? EPIPE))
            }
        }
    }

    /// Output has left: the frames that waited for that are handled in a turn of their own.
    private func resumeReading() {
        guard self.isReadingPaused, !self.session.isInputPaused else { return }
        self.channel.eventLoop.assumeIsolated().execute { self.process() }
    }

    /// Gives the streams that wait their turns, the longest waiting first.
    private func resumeWaiting() {
        // Of a connection that is gone nobody reads: what is left of its output is dropped with it.
        guard !self.isProcessing, !self.isClosing else { return }
        self.session.advance(to: Clock.monotonic())
        while let slot = self.session.nextWritable() { self.resume(slot) }
        if self.session.hasOutput, self.queuedBytes == 0 { self.scheduleFlush() }
    }

    // MARK: Ends

    private func lose(_ cause: StreamEnd.Cause) {
        guard !self.isClosing else { return }
        self.connection.ends(by: .peer)
        self.isClosing = true
        if case .timedOut = cause { self.endAll(cause) } else { self.endAll(self.endOfConnection(isReset: true)) }
        self.socket?.resetOnClose()
        self.closeNow()
    }

    /// After a connection error, or when the last stream of a drained connection is over: ends our side, then waits
    /// for the peer's end, so that an RST does not destroy the GOAWAY on its way.
    private func closeIfOver() {
        guard !self.isClosing, self.session.isFailed || self.session.isDrained, !self.session.hasOutput,
            self.queuedBytes == 0
        else { return }
        self.isClosing = true
        self.deadline = Clock.monotonic() + self.server.limits.lingerTimeout
        self.channel.close(mode: .output, promise: nil)
    }

    func sweep(now: Int64) {
        if self.isClosing || self.session.counters.requests == 0, now >= self.deadline {
            self.connection.ends(by: .timeout)
            return self.closeNow()
        }
        guard now - self.lastTick >= 1_000_000_000, !self.isClosing else { return }
        self.lastTick = now
        self.session.tick(now: now)
        self.giveUpSlowBodies(now: now)
        self.headerBlockSince = self.session.isReceivingHeaderBlock ? self.headerBlockSince ?? now : nil
        if let headerBlockSince, now - headerBlockSince >= self.server.limits.headerTimeout {
            self.connection.ends(by: .timeout)
            self.endAll(.violation(HTTP2ErrorCode.protocolError.rawValue))
            return self.closeNow()
        }
        if self.session.streamCount > 0 { self.idleSince = now }
        if now - self.idleSince >= self.server.limits.keepAliveTimeout { self.closeWhenIdle(by: .timeout) }
        if let gracefulSince, now - gracefulSince >= 1_000_000_000 {
            // A round trip has passed: what the peer opened before it read the first GOAWAY has arrived.
            self.session.goAway()
        }
        self.session.releaseIdleMemory()
        self.process()
    }

    func closeWhenIdle(by cause: ConnectionEnd) {
        guard self.gracefulSince == nil else { return }
        self.connection.ends(by: cause)
        self.connection.goAwaySent = .noError
        self.gracefulSince = Clock.monotonic()
        self.session.goAwayGracefully()
        self.scheduleFlush()
    }

    func closeNow() {
        self.isClosing = true
        self.channel.close(mode: .all, promise: nil)
    }

    func socketSample() -> SocketSample? { self.socket?.sample() }

    func http2Sample() -> HTTP2ConnectionSample? {
        HTTP2ConnectionSample(
            connectionWindow: self.session.connectionWindow,
            pendingBytes: self.session.pendingOutputBytes,
            counters: self.session.counters
        )
    }
}
