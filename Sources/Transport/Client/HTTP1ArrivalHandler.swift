// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Stands before the decoder: notes when each read came, and bounds the bytes of an unfinished head.
final class HTTP1ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: HTTP1ClientConnection

    init(connection: HTTP1ClientConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.arrival = HTTPArrival(time: Clock.monotonic(), read: connection.arrival.read + 1)
        let awaitedHead = connection.machine.awaitsHead
        if awaitedHead {
            let bytes = unwrapInboundIn(data)
            if connection.firstBytes.count < Printable.limit {
                let missing = Printable.limit - connection.firstBytes.count
                connection.firstBytes += bytes.readableBytesView.prefix(missing)
            }
            connection.headBytes += bytes.readableBytes
        }
        context.fireChannelRead(data)
        let limit = connection.configuration.limits.headBytes
        if awaitedHead, connection.machine.awaitsHead, connection.headBytes > limit {
            connection.fail(.headTooLarge(limit: limit), .violation("response head too large"))
        }
    }
}
