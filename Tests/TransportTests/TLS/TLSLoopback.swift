// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix

@testable import Transport

/// What one connection saw from its start to its end.
struct TLSConnectionRecord: Sendable {
    var completed: TLSHandshakeCompleted?
    var ends: [TLSPeerEnded] = []
    var errors: [TLSError] = []
    var received = ByteBuffer()

    var text: String { String(buffer: received) }
}

/// Keeps the record, and hands it over when the channel has ended. With an answer it is a very small HTTP server: each
/// time what came so far ends in an empty line, it answers.
final class TLSRecordKeeper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var record = TLSConnectionRecord()
    private let answer: (@Sendable (TLSConnectionRecord) -> ByteBuffer)?
    private let ended: @Sendable (TLSConnectionRecord) -> Void
    private let shookHands: @Sendable () -> Void

    init(
        answer: (@Sendable (TLSConnectionRecord) -> ByteBuffer)? = nil,
        shookHands: @escaping @Sendable () -> Void = {},
        ended: @escaping @Sendable (TLSConnectionRecord) -> Void
    ) {
        self.answer = answer
        self.shookHands = shookHands
        self.ended = ended
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        record.received.writeImmutableBuffer(unwrapInboundIn(data))
        guard let answer, record.received.readableBytesView.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return }
        context.writeAndFlush(wrapOutboundOut(answer(record)), promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as TLSHandshakeCompleted:
            record.completed = event
            shookHands()
        case let event as TLSPeerEnded:
            record.ends.append(event)
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError { record.errors.append(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended(record)
    }
}

/// A server on a free port of the loopback interface, for foreign clients.
final class TLSLoopbackServer {
    let port: Int
    private let channel: any Channel
    private let handshakes: AsyncStream<Void>
    private var records: AsyncStream<TLSConnectionRecord>.Iterator
    private var handshakeIterator: AsyncStream<Void>.Iterator

    /// - Parameter body: The body of each answer.
    init(
        _ context: TLSContext,
        body: @escaping @Sendable (TLSConnectionRecord) -> String = { "\($0.completed?.version.rawValue ?? "?")" }
    ) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: TLSConnectionRecord.self)
        let (handshakes, shaken) = AsyncStream.makeStream(of: Void.self)
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let keeper = TLSRecordKeeper(
                        answer: { record in
                            let body = body(record)
                            return ByteBuffer(
                                string: "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                        },
                        shookHands: { shaken.yield() },
                        ended: { continuation.yield($0) })
                    try channel.pipeline.syncOperations.addHandlers([TLSHandler(server: context), keeper])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        records = stream.makeAsyncIterator()
        self.handshakes = handshakes
        handshakeIterator = handshakes.makeAsyncIterator()
    }

    /// Waits for the end of the next connection.
    func nextRecord() async -> TLSConnectionRecord? {
        await records.next()
    }

    /// Waits for the end of the next handshake.
    func nextHandshake() async {
        await handshakeIterator.next()
    }

    func close() async throws {
        try await channel.close()
    }
}

/// One connection of ours to a foreign server: sends a text after the handshake, and records until the end.
enum TLSLoopbackClient {
    static func talk(
        to port: Int,
        context: TLSContext,
        serverName: String? = "localhost",
        sending text: String
    ) async throws -> TLSConnectionRecord {
        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: TLSConnectionRecord.self)
        let connecting = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        TLSHandler(client: context, serverName: serverName),
                        TLSRecordKeeper(ended: { promise.succeed($0) }),
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: port)
        connecting.whenFailure { promise.fail($0) }
        connecting.whenSuccess { $0.writeAndFlush(ByteBuffer(string: text), promise: nil) }
        return try await promise.futureResult.get()
    }
}
