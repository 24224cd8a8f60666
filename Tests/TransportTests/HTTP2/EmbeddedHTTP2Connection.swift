// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import NIOCore
import NIOEmbedded

@testable import Transport

/// An HTTP/2 server connection without a socket: the test plays the peer, whose windows are wide.
final class EmbeddedHTTP2Connection {
    let channel = EmbeddedChannel()
    let application = RecordingApplication()
    let peer = RecordingSocket()
    private let connection: Connection
    private let handler: HTTP2ServerConnection
    private var nextStreamID: UInt32 = 1

    init(limits: ServerLimits = ServerLimits()) throws {
        let address = try SocketAddress(ipAddress: "192.0.2.1", port: 1000)
        self.connection = Connection(id: .next(), listener: "test", peer: address, acceptedAt: 0)
        let server = ServerLoop(
            eventLoop: self.channel.embeddedEventLoop,
            application: self.application,
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        self.handler = HTTP2ServerConnection(
            connection: self.connection, server: server, channel: self.channel, writesDirectly: false
        )
        try self.channel.pipeline.syncOperations.addHandler(self.peer)
        try self.channel.pipeline.syncOperations.addHandler(self.handler)
        self.channel.connect(to: address, promise: nil)
        try self.send(bytes: TestPeer.preface)
        try self.send(.settings([(4, 10_000_000)]), .settingsAck, .windowUpdate(0, 1_000_000_000))
    }

    deinit { _ = try? self.channel.finish(acceptAlreadyClosed: true) }

    var activeStreams: Int { self.connection.activeStreams }
    var isClosed: Bool { self.peer.isClosed }

    func send(_ frames: Frame...) throws { try self.send(bytes: frames.flatMap(\.bytes)) }

    /// One read's worth of bytes. What was scheduled runs with ``run()``.
    func send(bytes: [UInt8]) throws { try self.channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// Runs the turns that are due.
    func run() { self.channel.embeddedEventLoop.run() }

    /// Asks for a page, which waits for the application's answer; its stream's identifier.
    @discardableResult
    func request(_ fields: [(String, String)] = get, end: Bool = true) throws -> UInt32 {
        defer { self.nextStreamID += 2 }
        try self.send(.headers(self.nextStreamID, block(fields), end: end))
        return self.nextStreamID
    }

    /// Opens event streams, whose tokens count from `first` on.
    func openStreams(_ count: Int, first: Int32 = 0) throws -> [ServerStream] {
        try (0..<Int32(count)).map { number in
            try self.request()
            let stream = self.application.requests[self.application.requests.count - 1].stream
            let token = StreamToken(slot: first + number, generation: 0)
            stream.open(Response(status: .ok), token: token, preamble: ByteBuffer())
            return stream
        }
    }

    /// The peer's FIN.
    func sendEnd() {
        self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    func sweep(at now: Int64) { self.handler.sweep(now: now) }
}
