// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1

/// The client's side of one HTTP/1.1 connection: one request at a time, kept for the next when the server agrees.
/// Belongs to its event loop. NIO's decoder parses, the state machine decides, this file carries out.
public final class HTTP1ClientConnection: ChannelInboundHandler {
    public typealias InboundIn = HTTPClientResponsePart
    public typealias OutboundOut = HTTPClientRequestPart

    /// The request under way.
    struct Exchange {
        let number: UInt64
        let receive: HTTPResponseReceiver
        let flow: HTTPFlow
        var isHead = false
        /// For the sink.
        var token: UInt32 = 0
        /// Body bytes that the receiver holds.
        var unconsumed = 0
        var requestWritten: Int64?
        var headTimer: Scheduled<Void>?
        var deadlineTimer: Scheduled<Void>?
    }

    let channel: any Channel
    let target: HTTPTarget
    /// Requests go to it in absolute form (RFC 9112 section 3.2.2).
    let forwardProxy: HTTPProxy?
    let configuration: HTTPClientConfiguration
    let ended: EventLoopPromise<HTTPConnectionEnd>
    var machine: HTTP1ClientStateMachine
    var exchange: Exchange?
    var requestCount: UInt64 = 0
    var arrival = HTTPArrival(time: 0, read: 0)
    /// Bytes read since the request, until its head is complete; and the first of them, for the message if they are no
    /// HTTP.
    var headBytes = 0
    var firstBytes: [UInt8] = []
    /// The first cause counts: what follows is its consequence.
    var cause: HTTPConnectionEnd.Cause?
    var isPaused = false
    /// Stands before the decoder, for the poll that reads instead of the channel; nil once it is off the pipeline. Not
    /// weak: that makes each of its reference counts slow.
    var reader: HTTP1ArrivalHandler?
    /// Takes bodies past the exchange.
    var sink: (any HTTPBodySink)?
    /// The body under way is chunked.
    private(set) var isChunked = false

    init(
        channel: any Channel,
        target: HTTPTarget,
        forwardProxy: HTTPProxy?,
        configuration: HTTPClientConfiguration,
        ended: EventLoopPromise<HTTPConnectionEnd>
    ) {
        self.channel = channel
        self.target = target
        self.forwardProxy = forwardProxy
        self.configuration = configuration
        self.ended = ended
        machine = HTTP1ClientStateMachine(maximumInformational: configuration.limits.informationalResponses)
    }

    /// Adds decoder, encoder and connection at the end of the pipeline.
    func install() throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.limits.headBytes
        limits.maxHeaderListSize = configuration.limits.headBytes
        limits.maxHeaderFieldCount = configuration.limits.headFields
        let decoder = HTTPResponseDecoder(
            leftOverBytesStrategy: .dropBytes,
            informationalResponseStrategy: .forward,
            limitConfiguration: limits
        )
        var framing = HTTPRequestEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false
        let reader = HTTP1ArrivalHandler(connection: self)
        self.reader = reader
        try channel.pipeline.syncOperations.addHandlers(
            reader,
            HTTPRequestEncoder(configuration: framing),
            ByteToMessageHandler(decoder),
            self
        )
    }

    var isAvailable: Bool { machine.isIdle && channel.isActive }
    var activeRequests: Int { exchange == nil ? 0 : 1 }

    // MARK: Input

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): received(head)
        case .body(let bytes): received(bytes)
        case .end(let trailers): responseEnded(trailers ?? [:])
        }
    }

    private func received(_ head: HTTPResponseHead) {
        // RFC 9112 section 6.3.
        let isBodiless = exchange?.isHead == true || !head.status.mayHaveResponseBody
        let isChunked = head.headers[canonicalForm: "transfer-encoding"].last.map { $0.lowercased() == "chunked" }
        self.isChunked = isChunked == true && !isBodiless
        let isDelimited = isBodiless || isChunked ?? head.headers.contains(name: "content-length")
        let action = machine.headReceived(
            status: Int(head.status.code), keepAlive: head.isKeepAlive, isDelimited: isDelimited)
        switch action {
        case .deliverInformational: exchange?.receive(.informational(responseHead(head)))
        case .deliver:
            exchange?.headTimer?.cancel()
            headBytes = 0
            exchange?.receive(.head(responseHead(head)))
        case .failTooManyInformational:
            let limit = configuration.limits.informationalResponses
            fail(.tooManyInformational(limit: limit), .violation("too many responses of 1xx"))
        case .failUpgrade:
            fail(.malformed("101 without an upgrade asked for"), .violation("unexpected upgrade"))
        case .failUnsolicited:
            fail(.malformed("a response without a request"), .violation("unsolicited response"))
        case .ignore: break
        }
    }

    private func responseHead(_ head: HTTPResponseHead) -> HTTPClientResponseHead {
        HTTPClientResponseHead(
            status: head.status,
            applicationProtocol: head.version == .http1_0 ? .http10 : .http11,
            headers: head.headers,
            requestWritten: exchange?.requestWritten,
            arrival: arrival
        )
    }

    private func received(_ bytes: ByteBuffer) {
        guard machine.deliversBody, bytes.readableBytes > 0, let exchange else { return }
        if let sink { return bytes.withUnsafeReadableBytes { deliver($0, to: sink) } }
        count(bytes.readableBytes)
        exchange.receive(.body(bytes, arrival))
    }

    /// Content of the body under way, for the sink.
    func deliver(_ bytes: UnsafeRawBufferPointer, to sink: any HTTPBodySink) {
        guard let token = exchange?.token else { return }
        count(bytes.count)
        sink.received(bytes, token: token, arrival: arrival)
    }

    /// The body under way comes in cleartext, and is never paused for its receiver.
    var isReadFreely: Bool { target.scheme == .http && exchange?.flow == .automatic && sink != nil }

    private func count(_ bytes: Int) {
        guard exchange?.flow == .manual else { return }
        exchange?.unconsumed += bytes
        updateReading()
    }

    private func responseEnded(_ trailers: HTTPHeaders) {
        // Over TLS only a close_notify shows that nobody cut the body (RFC 9112 section 9.8).
        if machine.endsWithConnection, let cause, cause != .fin, cause != .closeNotify { return }
        switch machine.responseEnded() {
        case .ignore: break
        case .completeAndKeep: finish(.complete(trailers: trailers))
        case .completeAndClose:
            cause = cause ?? .local
            finish(.complete(trailers: trailers))
            channel.close(mode: .all, promise: nil)
        case .completeUntilClose: finish(.untilClose)
        }
    }

    // MARK: Ends

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSPeerEnded { cause = cause ?? HTTPConnectionEnd.Cause(event) }
        context.fireUserInboundEventTriggered(event)
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end of the connection inside a response; its cause is known by now or follows with channelInactive.
        if case .invalidEOFState = error as? HTTPParserError { return }
        if let cause = HTTPConnectionEnd.Cause(error) {
            self.cause = self.cause ?? cause
            end()
            channel.close(mode: .all, promise: nil)
        } else if case .headerOverflow = error as? HTTPParserError {
            fail(.headTooLarge(limit: configuration.limits.headBytes), .violation("response head too large"))
        } else if machine.awaitsHead {
            fail(.notHTTP(firstBytes: Printable.text(firstBytes)), .violation("not HTTP"))
        } else {
            fail(.malformed("\(error)"), .violation("\(error)"))
        }
    }

    public func channelInactive(context: ChannelHandlerContext) {
        cause = cause ?? .fin
        end()
        ended.succeed(HTTPConnectionEnd(cause: cause ?? .fin))
        context.fireChannelInactive()
    }

    /// Fails the request under way, if there is one, by the connection's end.
    private func end() {
        guard var progress = machine.closed() else { return }
        if progress == .nothing, headBytes > 0 { progress = .partialHead }
        finish(.failed(.ended(HTTPConnectionEnd(cause: cause ?? .fin), progress)))
    }

    func fail(_ error: HTTPClientError, _ cause: HTTPConnectionEnd.Cause) {
        self.cause = self.cause ?? cause
        if machine.closed() != nil { finish(.failed(error)) }
        channel.close(mode: .all, promise: nil)
    }

    private func finish(_ end: HTTPResponseEnd) {
        guard let exchange else { return }
        self.exchange = nil
        exchange.headTimer?.cancel()
        exchange.deadlineTimer?.cancel()
        updateReading()
        exchange.receive(.end(end, arrival))
    }
}
