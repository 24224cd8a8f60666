// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Takes a connecting channel through its stages, tunnel, TLS, protocol, then leaves the pipeline and hands over a
/// connection, or the reason why there is none.
final class HTTPClientSetup: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What is known before the socket.
    struct Plan: Sendable {
        let target: HTTPTarget
        let route: HTTPClientRoute
        let configuration: HTTPClientConfiguration
        let tls: TLSContext?
    }

    private enum Stage {
        case connecting
        case tunnel(TunnelNegotiation)
        case tls
        /// The protocol's handler has taken over, or all is over.
        case done
    }

    private let plan: Plan
    private let promise: EventLoopPromise<Result<HTTPClientConnection, HTTPClientError>>
    private let ended: EventLoopPromise<HTTPConnectionEnd>
    private var phases: ConnectionPhases
    private var stage = Stage.connecting
    private var handshake: TLSHandshakeCompleted?
    private var timer: Scheduled<Void>?

    init(
        plan: Plan,
        phases: ConnectionPhases,
        promise: EventLoopPromise<Result<HTTPClientConnection, HTTPClientError>>,
        ended: EventLoopPromise<HTTPConnectionEnd>
    ) {
        self.plan = plan
        self.phases = phases
        self.promise = promise
        self.ended = ended
    }

    func channelActive(context: ChannelHandlerContext) {
        phases.connected = Clock.monotonic()
        if case .tunnel(let proxy) = plan.route {
            stage = .tunnel(TunnelNegotiation())
            let request = TunnelNegotiation.request(to: plan.target, through: proxy)
            let time = plan.configuration.timeouts.handshake
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
                self.fail(.timedOut(.tunnel, seconds: time.seconds), context: context)
            }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
        } else {
            beginTLS(context: context)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .tunnel(var negotiation) = stage else { return context.fireChannelRead(data) }
        let progress = negotiation.received(unwrapInboundIn(data).readableBytesView)
        stage = .tunnel(negotiation)
        switch progress {
        case .needsMore: break
        case .open(let rest): tunnelOpened(rest: rest, context: context)
        case .refused(let status):
            fail(.tunnelRefused(proxy: "\(plan.route.proxy?.description ?? "")", status: status), context: context)
        case .notHTTP(let bytes):
            fail(.proxy("its answer is not HTTP but begins with \"\(Printable.text(bytes))\""), context: context)
        case .tooLarge: fail(.headTooLarge(limit: TunnelNegotiation.headLimit), context: context)
        }
    }

    private func tunnelOpened(rest: [UInt8], context: ChannelHandlerContext) {
        timer?.cancel()
        phases.tunnelled = Clock.monotonic()
        guard rest.isEmpty || plan.tls == nil else {
            return fail(.malformed("bytes through the tunnel before the TLS handshake"), context: context)
        }
        beginTLS(rest: rest, context: context)
    }

    private func beginTLS(rest: [UInt8] = [], context: ChannelHandlerContext) {
        guard plan.target.scheme == .https, let tls = plan.tls else { return install(rest: rest, context: context) }
        stage = .tls
        do {
            let handler = try TLSHandler(client: tls, serverName: String(plan.target.host.prefix { $0 != "%" }))
            try context.pipeline.syncOperations.addHandler(handler, position: .before(self))
        } catch {
            fail((error as? TLSError).map { .tls($0) } ?? .connectionClosing, context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .tls = stage, let event = event as? TLSHandshakeCompleted {
            phases.secured = Clock.monotonic()
            handshake = event
            install(context: context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private var agreedProtocol: Result<ApplicationProtocol, HTTPClientError> {
        let protocols = plan.configuration.protocols
        guard let handshake else { return .success(protocols == .http2 ? .http2 : .http11) }
        switch (handshake.applicationProtocol, protocols) {
        case ("h2", .http2), ("h2", .negotiated): return .success(.http2)
        case ("http/1.1", .http1), ("http/1.1", .negotiated), (nil, .http1), (nil, .negotiated):
            return .success(.http11)
        case (let other, _):
            let wanted = protocols == .http2 ? "HTTP/2" : "HTTP/1.1"
            return .failure(.protocolMismatch(wanted: wanted, got: other ?? "no ALPN, so HTTP/1.1"))
        }
    }

    /// - Parameter rest: what the server said first, as HTTP/2 allows, in the read that ended the stage before.
    private func install(rest: [UInt8] = [], context: ChannelHandlerContext) {
        let applicationProtocol: ApplicationProtocol
        switch agreedProtocol {
        case .success(let agreed): applicationProtocol = agreed
        case .failure(let error): return fail(error, context: context)
        }
        stage = .done
        let channel = context.channel
        do {
            if applicationProtocol == .http2 {
                let setup = self
                let connection = HTTP2ClientConnection(
                    channel: channel, target: plan.target, configuration: plan.configuration, ended: ended
                ) { setup.opened($0, channel: channel) }
                http2 = connection
                try context.pipeline.syncOperations.addHandler(connection)
            } else {
                var proxy: HTTPProxy?
                if case .forward(let forward) = plan.route { proxy = forward }
                let connection = HTTP1ClientConnection(
                    channel: channel, target: plan.target, forwardProxy: proxy, configuration: plan.configuration,
                    ended: ended)
                try connection.install()
                succeed(.http1(connection), .http11, channel: channel)
            }
        } catch {
            fail(.connectionClosing, context: context)
        }
        // Not after the removal: a removed handler has no neighbours.
        if !rest.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: rest))) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// Until its SETTINGS are there.
    private var http2: HTTP2ClientConnection?

    private func opened(_ error: HTTPClientError?, channel: any Channel) {
        guard let connection = http2 else { return }
        http2 = nil
        if let error { return promise.succeed(.failure(error)) }
        phases.settingsReceived = Clock.monotonic()
        succeed(.http2(connection), .http2, channel: channel)
    }

    private func succeed(_ link: HTTPClientLink, _ applicationProtocol: ApplicationProtocol, channel: any Channel) {
        let connection = HTTPClientConnection(
            target: plan.target,
            applicationProtocol: applicationProtocol,
            tls: handshake,
            peer: channel.remoteAddress,
            local: channel.localAddress,
            proxy: plan.route.proxy,
            phases: phases,
            limits: plan.configuration.limits,
            link: NIOLoopBound(link, eventLoop: channel.eventLoop),
            ended: ended.futureResult
        )
        promise.succeed(.success(connection))
    }

    // MARK: Failures

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .done = stage { return context.fireErrorCaught(error) }
        let reason: HTTPClientError =
            switch error {
            case TLSError.handshakeTimedOut(let seconds): .timedOut(.handshake, seconds: seconds)
            case let error as TLSError: .tls(error)
            default: ended(HTTPConnectionEnd.Cause(error) ?? .fin)
            }
        fail(reason, context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .done = stage {} else { fail(ended(.fin), context: context) }
        context.fireChannelInactive()
    }

    private func ended(_ cause: HTTPConnectionEnd.Cause) -> HTTPClientError {
        .ended(HTTPConnectionEnd(cause: cause), .nothing)
    }

    private func fail(_ error: HTTPClientError, context: ChannelHandlerContext) {
        if case .done = stage { return }
        stage = .done
        timer?.cancel()
        promise.succeed(.failure(error))
        ended.succeed(HTTPConnectionEnd(cause: .local))
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }
}
