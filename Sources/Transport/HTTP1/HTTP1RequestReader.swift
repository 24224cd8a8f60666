// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Stands between the parser and the connection while requests are read, and leaves with the parser.

import NIOCore
import NIOHTTP1

final class HTTP1RequestReader: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let connection: HTTP1ServerConnection

    init(_ connection: HTTP1ServerConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection.received(self.unwrapInboundIn(data))
    }
}
