// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix

@testable import Transport

/// A proxy that connects wherever it is asked to, for CONNECT and for requests in absolute form.
struct ClientTestProxy: Sendable {
    let server: ScriptedServer
    /// The first line and the fields of each request, as they came.
    let requests: AsyncStream<String>

    var proxy: HTTPProxy {
        get throws { try HTTPProxy("http://user:secret@127.0.0.1:\(server.port)") }
    }

    static func listen() async throws -> ClientTestProxy {
        let (requests, announce) = AsyncStream.makeStream(of: String.self)
        let server = try await ScriptedServer.listen { channel, received in
            let text = String(buffer: received)
            guard text.hasSuffix("\r\n\r\n") else { return }
            announce.yield(text)
            let target = text.split(separator: " ")[1]
            guard let url = try? HTTPTarget(target.hasPrefix("http://") ? String(target) : "http://\(target)") else {
                return channel.close(promise: nil)
            }
            let isTunnel = text.hasPrefix("CONNECT ")
            ClientBootstrap(group: channel.eventLoop)
                .channelInitializer { server in
                    server.eventLoop.makeCompletedFuture {
                        try server.pipeline.syncOperations.addHandler(Relay(to: channel))
                    }
                }
                .connect(host: url.host, port: url.port)
                .flatMap { server in
                    // From here on bytes pass as they come; the script gets none any more.
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Relay(to: server), position: .first)
                        return server
                    }
                }
                .whenSuccess { server in
                    if isTunnel {
                        channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 Connected\r\n\r\n"), promise: nil)
                    } else {
                        server.writeAndFlush(received, promise: nil)
                    }
                }
        }
        return ClientTestProxy(server: server, requests: requests)
    }

    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel

        init(to other: any Channel) {
            self.other = other
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }
    }
}
