// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Reads the PROXY header that a connection starts with, then steps out of the pipeline.

import NIOCore

final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: Connection
    /// Bound: the parser refuses a header longer than its maximum; the connection's header deadline limits the wait.
    private var collected = ByteBuffer()

    init(_ connection: Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.collected.writeBuffer(&bytes)
        do throws(ProxyProtocolError) {
            guard let header = try ProxyProtocolParser.parse(&self.collected) else { return }
            if case .proxied(let peer) = header {
                self.connection.peer = peer
                self.connection.peerAddress = peer.ipAddress ?? self.connection.peerAddress
            }
            let rest = self.collected
            self.collected = ByteBuffer()
            if rest.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(rest)) }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            // Nothing is answered: who speaks here has not said who it is.
            context.close(promise: nil)
        }
    }
}
