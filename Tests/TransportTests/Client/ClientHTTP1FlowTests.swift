// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix
import Testing

@testable import Transport

/// Backpressure by the socket, and bodies whose end is the connection's.
@Suite(.timeLimit(.minutes(1))) struct ClientHTTP1FlowTests {
    @Test func unconsumedBodyStopsTheReading() async throws {
        let origin = try await ClientTestOrigin.listen()
        var configuration = TestClient.configuration()
        configuration.limits.bodyBuffer = 50_000
        let connection = try await TestClient.connect(try origin.target("/flood"), configuration)
        let loop = connection.eventLoop
        let counter = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: loop)
        let (full, announce) = AsyncStream.makeStream(of: Void.self)
        let exchange = try await loop.submit {
            let exchange = try connection.link.start(HTTPClientRequest(), flow: .manual) { event in
                guard case .body(let bytes, _) = event else { return }
                let before = counter.value
                counter.value += bytes.readableBytes
                if before < 50_000, counter.value >= 50_000 { announce.yield() }
            }
            return NIOLoopBound(exchange, eventLoop: loop)
        }.get()
        var waiting = full.makeAsyncIterator()
        for _ in 0..<3 {
            _ = await waiting.next()
            let (reads, held) = try await loop.submit {
                (try Self.channel(connection).syncOptions?.getOption(.autoRead), counter.value)
            }.get()
            #expect(reads == false)
            // One read, of 64 KiB at most and a few at once, can come on top.
            #expect(held < 50_000 + 4 * 65_536)
            let readsOn = try await loop.submit {
                let held = counter.value
                counter.value = 0
                exchange.value.consumed(held)
                return try Self.channel(connection).syncOptions?.getOption(.autoRead)
            }.get()
            #expect(readsOn == true)
        }
        connection.close()
        try await origin.stop()
    }

    private static func channel(_ connection: HTTPClientConnection) throws -> any Channel {
        guard case .http1(let http1) = connection.link else { throw ChannelError.inappropriateOperationForState }
        return http1.channel
    }

    /// RFC 9112 section 9.8: whether such a body is whole is known by the close_notify alone.
    @Test(arguments: [false, true])
    func bodyThatEndsWithTheConnectionNeedsACloseNotify(isCut: Bool) async throws {
        await TestClient.makeCertificates()
        let certificates = TLSServerConfiguration(
            certificates: [try TLSFixtures.files.local], applicationProtocols: ["http/1.1"])
        let context = try TLSContext(server: certificates)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let cutter = Cutter()
                    try channel.pipeline.syncOperations.addHandlers(
                        cutter, try TLSHandler(server: context), Page(cutter: isCut ? cutter : nil))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let target = try HTTPTarget("https://127.0.0.1:\(server.localAddress?.port ?? 0)/")
        let connection = try await TestClient.connect(target, try TestClient.secure(.http1))
        let response = try await connection.request(HTTPClientRequest())
        if isCut {
            let end = HTTPConnectionEnd(cause: .truncatedTLS)
            await #expect(throws: HTTPClientError.ended(end, .body)) { try await response.collect(upTo: 100) }
            #expect(await connection.end() == end)
        } else {
            #expect(String(buffer: try await response.collect(upTo: 100)) == "page")
            #expect(response.body.end == .untilClose)
            #expect(await connection.end() == HTTPConnectionEnd(cause: .closeNotify))
        }
        try await server.close()
    }

    /// Below TLS: closes the socket without a word.
    private final class Cutter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private var context: ChannelHandlerContext?

        func handlerAdded(context: ChannelHandlerContext) {
            self.context = context
        }

        func handlerRemoved(context: ChannelHandlerContext) {
            self.context = nil
        }

        func cut() {
            context?.close(promise: nil)
        }
    }

    /// Answers with a body of unknown length, and ends.
    private final class Page: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let cutter: Cutter?

        init(cutter: Cutter?) {
            self.cutter = cutter
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let channel = context.channel
            let written = channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\npage")).assumeIsolated()
            written.whenComplete { _ in
                if let cutter = self.cutter { cutter.cut() } else { channel.close(promise: nil) }
            }
        }
    }
}
