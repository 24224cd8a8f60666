// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK
import NIOHTTP1

/// The client's side of one HTTP/2 connection with as many requests at once as the server allows. Belongs to its event
/// loop. All protocol is in the session; this file is reading, writing and ends.
public final class HTTP2ClientConnection: ChannelInboundHandler {
    public typealias InboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    /// One request under way.
    struct Exchange: HTTP2StreamExchange {
        let slot: StreamSlot
        let receive: HTTPResponseReceiver
        var requestWritten: Int64?
        var headTimer: Scheduled<Void>?
        var deadlineTimer: Scheduled<Void>?
        /// What of the request is not sent yet, for want of windows.
        var body: ByteBuffer?
    }

    /// Request bodies go into the output up to here; the rest waits in its exchange.
    static let outputLimit = 262_144

    let channel: any Channel
    let target: HTTPTarget
    let configuration: HTTPClientConfiguration
    let ended: EventLoopPromise<HTTPConnectionEnd>
    /// Told once: the server's SETTINGS, or why there will be none.
    private var opened: ((HTTPClientError?) -> Void)?
    var session: HTTP2ClientSession
    var exchanges = HTTP2ExchangeTable<Exchange>()
    /// Requests that the next flush writes.
    var unwritten: [StreamSlot] = []
    /// Slots whose request body is not sent yet.
    var uploads: [StreamSlot] = []
    /// Takes bodies past the exchanges.
    var sink: (any HTTPBodySink)?
    private var arrival = HTTPArrival(time: 0, read: 0)
    private var firstBytes: [UInt8] = []
    private var settingsTimer: Scheduled<Void>?
    /// The first cause counts: what follows is its consequence.
    private var cause: HTTPConnectionEnd.Cause?
    private var isFlushScheduled = false
    private var isProcessing = false

    init(
        channel: any Channel,
        target: HTTPTarget,
        configuration: HTTPClientConfiguration,
        ended: EventLoopPromise<HTTPConnectionEnd>,
        opened: @escaping (HTTPClientError?) -> Void
    ) {
        self.channel = channel
        self.target = target
        self.configuration = configuration
        self.ended = ended
        self.opened = opened
        session = HTTP2ClientSession(limits: configuration.limits)
    }

    var isAvailable: Bool { session.opensStreams && channel.isActive && cause == nil }

    /// What has shown of the end so far.
    var end: HTTPConnectionEnd { HTTPConnectionEnd(cause: cause ?? .fin, goAway: session.goAway) }

    // MARK: Input

    public func handlerAdded(context: ChannelHandlerContext) {
        let time = configuration.timeouts.handshake
        settingsTimer = channel.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.fail(.timedOut(.settings, seconds: time.seconds), .violation("no SETTINGS"))
        }
        flush()
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        arrival = HTTPArrival(time: Clock.monotonic(), read: arrival.read + 1)
        let bytes = unwrapInboundIn(data)
        if opened != nil, firstBytes.count < Printable.limit {
            firstBytes += bytes.readableBytesView.prefix(Printable.limit - firstBytes.count)
        }
        session.receive(bytes)
        isProcessing = true
        repeat {
            if let sink { session.deliverContent(to: sink, arrival: arrival) }
        } while handleNext()
        isProcessing = false
        pump()
        flush()
        closeIfOver()
    }

    /// After the server's GOAWAY the last response ends the connection.
    func closeIfOver() {
        guard session.isOver, cause == nil, !isProcessing else { return }
        cause = .local
        channel.close(mode: .all, promise: nil)
    }

    private func handleNext() -> Bool {
        guard let event = session.nextEvent() else { return false }
        handle(event)
        return true
    }

    private func handle(_ event: HTTP2ClientEvent) {
        switch event {
        case .opened: tellOpened(nil)
        case .informational(let slot, let status, let fields):
            exchanges[slot]?.receive(.informational(head(status, fields, requestWritten: nil)))
        case .head(let slot, let status, let fields):
            guard let exchange = exchanges[slot] else { return }
            exchange.headTimer?.cancel()
            exchange.receive(.head(head(status, fields, requestWritten: exchange.requestWritten)))
        case .data(let slot, let bytes): received(bytes, slot)
        case .complete(let slot, let trailers): finish(slot, .complete(trailers: Self.headers(trailers)))
        case .failed(let slot, let error): finish(slot, .failed(error))
        case .goAway: break
        case .connectionError(_, let reason): fail(connectionError(reason), .violation(reason))
        }
    }

    private func received(_ bytes: ByteBuffer, _ slot: StreamSlot) {
        guard let sink else {
            exchanges[slot]?.receive(.body(bytes, arrival))
            return
        }
        guard exchanges[slot] != nil else { return }
        let token = session.table[slot.index].token
        bytes.withUnsafeReadableBytes { sink.received($0, token: token, arrival: arrival) }
    }

    private func connectionError(_ reason: String) -> HTTPClientError {
        if session.exceededHeadLimit { return .headTooLarge(limit: configuration.limits.headBytes) }
        guard opened != nil else { return .malformed(reason) }
        let text = Printable.text(firstBytes)
        return .protocolMismatch(wanted: "HTTP/2", got: text.hasPrefix("HTTP/1.") ? "HTTP/1" : "\"\(text)\"")
    }

    private func head(_ status: Int, _ fields: HPACKHeaders, requestWritten: Int64?) -> HTTPClientResponseHead {
        HTTPClientResponseHead(
            status: HTTPResponseStatus(statusCode: status),
            applicationProtocol: .http2,
            headers: Self.headers(fields),
            requestWritten: requestWritten,
            arrival: arrival
        )
    }

    private static func headers(_ fields: HPACKHeaders) -> HTTPHeaders {
        HTTPHeaders(fields.lazy.filter { !$0.name.hasPrefix(":") }.map { ($0.name, $0.value) })
    }

    private func tellOpened(_ error: HTTPClientError?) {
        settingsTimer?.cancel()
        settingsTimer = nil
        firstBytes = []
        let opened = self.opened
        self.opened = nil
        opened?(error)
    }

    func finish(_ slot: StreamSlot, _ end: HTTPResponseEnd) {
        guard let exchange = exchanges[slot] else { return }
        exchanges[slot] = nil
        exchange.headTimer?.cancel()
        exchange.deadlineTimer?.cancel()
        exchange.receive(.end(end, arrival))
    }

    // MARK: Output

    /// One write at the end of the turn for everything that the turn's requests have to say.
    func scheduleFlush() {
        guard !isFlushScheduled, !isProcessing else { return }
        isFlushScheduled = true
        channel.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.pump()
            self.flush()
            self.closeIfOver()
        }
    }

    /// Moves request bodies into the output, as far as windows and output allow, in the order of their start.
    private func pump() {
        guard !uploads.isEmpty else { return }
        uploads.removeAll { slot in
            guard var body = exchanges[slot]?.body else { return true }
            let room = Self.outputLimit - session.pendingOutputBytes
            let isDone = session.sendBody(slot, &body, room: max(room, 0))
            exchanges[slot]?.body = isDone ? nil : body
            return isDone
        }
    }

    private func flush() {
        guard session.output.count > 0 else { return }
        let bytes = session.takeOutput()
        let count = bytes.readableBytes
        // Before the kernel takes it: afterwards the server may have answered already.
        let now = Clock.monotonic()
        channel.writeAndFlush(bytes).assumeIsolated().whenSuccess {
            self.session.outputFlushed(count)
            if !self.uploads.isEmpty { self.scheduleFlush() }
        }
        guard !unwritten.isEmpty else { return }
        for slot in unwritten { exchanges[slot]?.requestWritten = now }
        unwritten = []
    }

    // MARK: Ends

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSPeerEnded { cause = cause ?? HTTPConnectionEnd.Cause(event) }
        context.fireUserInboundEventTriggered(event)
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        cause = cause ?? HTTPConnectionEnd.Cause(error) ?? .violation("\(error)")
        channel.close(mode: .all, promise: nil)
    }

    public func channelInactive(context: ChannelHandlerContext) {
        cause = cause ?? .fin
        failAll()
        ended.succeed(end)
        context.fireChannelInactive()
    }

    /// Fails all requests by the connection's end, or by `error`.
    private func failAll(_ error: HTTPClientError? = nil) {
        tellOpened(error ?? .ended(end, firstBytes.isEmpty ? .nothing : .partialHead))
        session.close()
        for exchange in exchanges.all {
            let error = error ?? .ended(end, session.progress(of: exchange.slot))
            finish(exchange.slot, .failed(error))
        }
    }

    private func fail(_ error: HTTPClientError, _ cause: HTTPConnectionEnd.Cause) {
        self.cause = self.cause ?? cause
        failAll(error)
        flush()
        channel.close(mode: .all, promise: nil)
    }

    func close() {
        fail(.cancelled, .local)
    }
}
