// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where NIOHTTP1's decoder puts what it has read: a decoder can only pass its parts on to the next handler of the
// pipeline, so the connection, which drives it, has this one behind itself. It stays when the parser has gone: to leave
// costs more than it holds.

import NIOCore
import NIOHTTP1

final class HTTP1RequestReader: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let connection: HTTP1ServerConnection

    init(_ connection: HTTP1ServerConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection.received(self.unwrapInboundIn(data))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { self.connection.parserFailed(error) }
}
