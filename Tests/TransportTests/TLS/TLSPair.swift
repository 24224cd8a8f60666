// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOEmbedded

@testable import Transport

/// Sits behind a `TLSHandler` and keeps what arrives.
final class TLSRecorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var received = ByteBuffer()
    var completed: TLSHandshakeCompleted?
    var ends: [TLSPeerEnded] = []
    var channelEvents: [ChannelEvent] = []
    var errors: [TLSError] = []
    var otherErrors: [any Error] = []
    var isInactive = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as TLSHandshakeCompleted: completed = event
        case let event as TLSPeerEnded: ends.append(event)
        case let event as ChannelEvent: channelEvents.append(event)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isInactive = true
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError { errors.append(error) } else { otherErrors.append(error) }
    }

    var text: String { String(buffer: received) }
}

/// A client and a server in memory, with the bytes between them in the test's hands.
final class TLSPair {
    final class Side {
        let channel: EmbeddedChannel
        let recorder = TLSRecorder()
        let handler: TLSHandler

        init(handler: TLSHandler, loop: EmbeddedEventLoop) throws {
            self.handler = handler
            channel = EmbeddedChannel(loop: loop)
            try channel.pipeline.syncOperations.addHandlers([handler, recorder])
        }

        func connect() throws {
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        /// The ciphertext written since the last call.
        func output() throws -> ByteBuffer {
            var all = ByteBuffer()
            while let part = try channel.readOutbound(as: ByteBuffer.self) { all.writeImmutableBuffer(part) }
            return all
        }

        func send(_ text: String) {
            channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        }
    }

    let loop = EmbeddedEventLoop()
    let client: Side
    let server: Side

    init(server: TLSContext, client: TLSContext, serverName: String? = "localhost") throws {
        self.server = try Side(handler: TLSHandler(server: server), loop: loop)
        self.client = try Side(handler: TLSHandler(client: client, serverName: serverName), loop: loop)
    }

    /// A pair by configurations, with the fixtures' defaults.
    convenience init(
        serverName: String? = "localhost",
        server changeServer: (inout TLSServerConfiguration) throws -> Void = { _ in },
        client changeClient: (inout TLSClientConfiguration) throws -> Void = { _ in }
    ) throws {
        let files = try TLSFixtures.files
        var server = TLSServerConfiguration(certificates: [files.local], keyLogFile: nil)
        var client = TLSClientConfiguration(trust: .authorities(file: files.authority), keyLogFile: nil)
        try changeServer(&server)
        try changeClient(&client)
        try self.init(server: TLSContext(server: server), client: TLSContext(client: client), serverName: serverName)
    }

    func connect() throws {
        try server.connect()
        try client.connect()
    }

    /// Carries bytes to and fro until both are silent.
    ///
    /// - Parameter chunk: The size of the next piece to deliver; by default all at once.
    func pump(chunk: () -> Int = { .max }) throws {
        var moved = true
        while moved {
            moved = try carry(from: client, to: server, chunk: chunk)
            moved = try carry(from: server, to: client, chunk: chunk) || moved
        }
    }

    private func carry(from: Side, to: Side, chunk: () -> Int) throws -> Bool {
        var bytes = try from.output()
        guard bytes.readableBytes > 0 else { return false }
        while bytes.readableBytes > 0 {
            let piece = bytes.readSlice(length: min(max(chunk(), 1), bytes.readableBytes)) ?? ByteBuffer()
            to.channel.pipeline.fireChannelRead(piece)
            to.channel.pipeline.fireChannelReadComplete()
        }
        return true
    }

    func connectAndShakeHands() throws {
        try connect()
        try pump()
    }
}
