// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A listening socket and what happens to a connection that it accepts.

import NIOCore
import NIOPosix

/// Where to listen, and for whom.
public struct ListenerConfiguration: Sendable {
    /// The name that ``Connection/listener`` carries.
    public var name: String
    public var host: String
    /// 0 picks a free port.
    public var port: Int
    /// Every connection starts with a PROXY protocol header, version 1 or 2, that names the real peer.
    public var expectsProxyProtocol = false
    /// Unacknowledged data for this long ends a connection (RFC 5482).
    public var tcpUserTimeoutMilliseconds = 30_000
    /// Speak TLS, with the certificates of the moment; cleartext without it.
    public var certificates: CertificateReloader?
    /// Connections at once; those beyond it are told so and closed.
    public var maximumConnections = Int.max

    public init(name: String, host: String, port: Int) {
        self.name = name
        self.host = host
        self.port = port
    }
}

/// A bound listening socket. Safe from any thread.
public struct Listener: Sendable {
    private let channel: any Channel

    /// Where it listens; the port is the real one when the configuration said 0.
    public let address: SocketAddress

    /// Binds and starts to accept.
    /// - Parameters:
    ///   - group: the event loops that connections are spread over, round robin.
    ///   - admission: counts the connections of all listeners that share it.
    ///   - server: the loop's side of the server; called on that loop. `nil` refuses the connection.
    /// - Throws: the socket's error when the address cannot be bound.
    public static func bind(
        _ configuration: ListenerConfiguration,
        group: any EventLoopGroup,
        admission: ConnectionAdmission,
        server: @escaping @Sendable (any EventLoop) -> ServerLoop?
    ) async throws -> Listener {
        let tuning = SocketTuning(userTimeoutMilliseconds: configuration.tcpUserTimeoutMilliseconds)
        let bootstrap = tuning.apply(to: ServerBootstrap(group: group))
            // The kernel's own bound (net.core.somaxconn) applies: a reconnect storm queues there.
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let accepted = AcceptedConnections { channel in
                        guard let server = server(channel.eventLoop) else { throw ChannelError.ioOnClosedChannel }
                        try self.accept(channel, configuration: configuration, admission: admission, server: server)
                    }
                    try channel.pipeline.syncOperations.addHandler(accepted)
                }
            }
        let channel = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
        guard let address = channel.localAddress else { throw ChannelError.ioOnClosedChannel }
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: AcceptedConnections.self).shortCut(in: channel)
        }.get()
        return Listener(channel: channel, address: address)
    }

    /// Stops accepting. Connections already accepted stay.
    public func close() async {
        try? await self.channel.close().get()
    }

    private static func accept(
        _ channel: any Channel,
        configuration: ListenerConfiguration,
        admission: ConnectionAdmission,
        server: ServerLoop
    ) throws {
        try SocketTuning.prepare(channel)
        let isWithinLimit = admission.enter(limit: configuration.maximumConnections)
        channel.closeFuture.whenComplete { _ in admission.leave() }
        // A peer that reset the connection before it was accepted has no address any more, and needs no answer.
        guard let peer = channel.remoteAddress else { throw ChannelError.eof }
        let connection = Connection(
            id: .next(), listener: configuration.name, peer: peer, acceptedAt: Clock.monotonic()
        )
        connection.isOverLimit = !isWithinLimit
        if configuration.expectsProxyProtocol {
            try channel.pipeline.syncOperations.addHandler(ProxyProtocolHandler(connection))
        }
        if let certificates = configuration.certificates {
            try channel.pipeline.syncOperations.addHandler(TLSHandler(server: certificates.context))
        }
        try HTTP1ServerConnection.install(
            connection: connection,
            server: server,
            channel: channel,
            isDirect: configuration.certificates == nil
        )
    }
}
