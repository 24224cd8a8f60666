// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import NIOCore
import NIOEmbedded

@testable import Transport

/// An HTTP/1.1 server connection without a socket: the test plays the peer.
final class EmbeddedConnection {
    let channel = EmbeddedChannel()
    let application = RecordingApplication()
    let peer = RecordingSocket()
    let connection: Connection
    let server: ServerLoop

    init(limits: ServerLimits = ServerLimits(), proxyProtocol: Bool = false) throws {
        self.connection = Connection(
            id: .next(), listener: "test", peer: try SocketAddress(ipAddress: "192.0.2.1", port: 1000), acceptedAt: 0
        )
        self.server = ServerLoop(
            eventLoop: self.channel.embeddedEventLoop,
            application: self.application,
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try self.channel.pipeline.syncOperations.addHandler(self.peer)
        if proxyProtocol {
            try self.channel.pipeline.syncOperations.addHandler(ProxyProtocolHandler(self.connection))
        }
        try HTTP1ServerConnection.install(
            connection: self.connection, server: self.server, channel: self.channel, isDirect: false
        )
        self.channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1000), promise: nil)
    }

    deinit { _ = try? self.channel.finish(acceptAlreadyClosed: true) }

    /// One read's worth of bytes.
    func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        try self.channel.writeInbound(ByteBuffer(bytes: bytes))
        self.channel.embeddedEventLoop.run()
    }

    func sendInSingleBytes(_ text: String) throws {
        for byte in text.utf8 { try self.send([byte]) }
    }

    /// The peer's FIN.
    func sendEnd() {
        self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        self.channel.embeddedEventLoop.run()
    }

    func fail(errno code: CInt) {
        self.channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "read"))
        self.channel.embeddedEventLoop.run()
    }

    func sweep(at now: Int64) {
        let handler = try? self.channel.pipeline.syncOperations.handler(type: HTTP1ServerConnection.self)
        handler?.sweep(now: now)
        self.channel.embeddedEventLoop.run()
    }

    /// What the peer was sent since the last call, without the Date field, whose value the test cannot know.
    func received() throws -> String {
        self.channel.embeddedEventLoop.run()
        var text = ""
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text.replacing(/Date: [^\r]*\r\n/, with: "")
    }

    /// Whether the server has ended its own side, or everything.
    var isOutputEnded: Bool { self.peer.isOutputEnded }
    var isClosed: Bool { self.peer.isClosed }
}

/// The head of the pipeline: stands for the socket, and can stop taking bytes as a full socket does.
final class RecordingSocket: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var isOutputEnded = false
    private(set) var isClosed = false
    private(set) var isStalled = false
    private var brokenBy: CInt?
    private var held: [(data: NIOAny, promise: EventLoopPromise<Void>?)] = []
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let brokenBy {
            promise?.fail(IOError(errnoCode: brokenBy, reason: "write"))
        } else if self.isStalled {
            self.held.append((data, promise))
        } else {
            context.write(data, promise: promise)
        }
    }

    func flush(context: ChannelHandlerContext) {
        if !self.isStalled { context.flush() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            self.isOutputEnded = true
            promise?.succeed(())
            return
        }
        self.isClosed = true
        context.close(mode: mode, promise: promise)
    }

    func stall() { self.isStalled = true }

    /// As the socket of a peer that has reset the connection: every write fails, at once.
    func breakDown(errno code: CInt) { self.brokenBy = code }

    func resume() {
        self.isStalled = false
        let held = self.held
        self.held = []
        for write in held { self.context?.write(write.data, promise: write.promise) }
        self.context?.flush()
    }

    func failHeldWrites(errno code: CInt) {
        let held = self.held
        self.held = []
        for write in held { write.promise?.fail(IOError(errnoCode: code, reason: "write")) }
    }
}

extension EmbeddedConnection {
    /// What the connection last said of reading; `nil` if nothing.
    var autoRead: Bool? {
        self.channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
    }
}
