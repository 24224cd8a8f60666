// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// A connection that takes requests: the form for tasks, safe from any thread. On its loop `link` is the form for those
/// who count microseconds; both can be used at once.
public struct HTTPClientConnection: Sendable {
    public let target: HTTPTarget
    public let applicationProtocol: ApplicationProtocol
    /// What the handshake agreed on; nil in cleartext.
    public let tls: TLSHandshakeCompleted?
    /// The server, or the proxy before it.
    public let peer: SocketAddress?
    public let local: SocketAddress?
    public let proxy: HTTPProxy?
    public let phases: ConnectionPhases
    let limits: HTTPClientLimits
    let loopBoundLink: NIOLoopBound<HTTPClientLink>
    private let ended: EventLoopFuture<HTTPConnectionEnd>

    init(
        target: HTTPTarget,
        applicationProtocol: ApplicationProtocol,
        tls: TLSHandshakeCompleted?,
        peer: SocketAddress?,
        local: SocketAddress?,
        proxy: HTTPProxy?,
        phases: ConnectionPhases,
        limits: HTTPClientLimits,
        link: NIOLoopBound<HTTPClientLink>,
        ended: EventLoopFuture<HTTPConnectionEnd>
    ) {
        self.target = target
        self.applicationProtocol = applicationProtocol
        self.tls = tls
        self.peer = peer
        self.local = local
        self.proxy = proxy
        self.phases = phases
        self.limits = limits
        self.loopBoundLink = link
        self.ended = ended
    }

    public var eventLoop: any EventLoop { ended.eventLoop }

    /// The connection itself; on its loop only.
    public var link: HTTPClientLink { loopBoundLink.value }

    /// Ends all requests and the connection.
    public func close() {
        eventLoop.execute { link.close() }
    }

    /// Waits for the end of the connection, whoever ends it.
    public func end() async -> HTTPConnectionEnd {
        // The promise is never failed.
        (try? await ended.get()) ?? HTTPConnectionEnd(cause: .local)
    }
}
