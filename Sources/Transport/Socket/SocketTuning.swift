// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Socket options of accepted connections. They are set on the listening socket: Linux hands them down to what it
// accepts, which saves five system calls per connection.

import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#endif

/// The TCP options of a listener, in the units of tcp(7).
struct SocketTuning {
    /// Unacknowledged data for this long ends the connection with `ETIMEDOUT` (TCP_USER_TIMEOUT, RFC 5482). Without
    /// it a vanished peer holds its stream for about a quarter of an hour.
    var userTimeoutMilliseconds: Int

    func apply(to bootstrap: ServerBootstrap) -> ServerBootstrap {
        var bootstrap =
            bootstrap
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Connections accepted before the loop's other work gets its turn. NIO's default of 4 lets in a few hundred
            // a second while the loop is busy delivering, and a reconnect storm would wait in the kernel's queue.
            .serverChannelOption(.maxMessagesPerRead, value: 32)
            .serverChannelOption(.socketOption(.so_keepalive), value: 1)
            .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        #if os(Linux)
            // A quiet peer is probed after 30 s, every 10 s, and given up with TCP_USER_TIMEOUT, which overrides the
            // count.
            let options: [(CInt, Int)] = [
                (TCP_KEEPIDLE, 30), (TCP_KEEPINTVL, 10), (TCP_USER_TIMEOUT, self.userTimeoutMilliseconds),
            ]
            for (name, value) in options {
                let option = ChannelOptions.Types.SocketOption(
                    level: .init(rawValue: CInt(IPPROTO_TCP)), name: .init(rawValue: name)
                )
                bootstrap = bootstrap.serverChannelOption(option, value: value)
            }
        #endif
        return bootstrap
    }
    /// What cannot be set on the listening socket. On the channel's loop.
    static func prepare(_ channel: any Channel) throws {
        let options = channel.syncOptions
        try options?.setOption(.allowRemoteHalfClosure, value: true)
        // NIO keeps a connection's receive buffer as long as the connection, and an idle stream has no use for it. Most
        // requests fit in 512 bytes; the buffer of one that does not grows.
        try options?.setOption(.recvAllocator, value: Self.receiveBuffers)
    }

    private static let receiveBuffers = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65_536)
}
