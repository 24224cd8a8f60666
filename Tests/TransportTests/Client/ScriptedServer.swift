// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix

@testable import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A TCP server that says what a test tells it, whatever the client sends.
struct ScriptedServer: Sendable {
    /// What to do when a connection was accepted or has sent something; `received` is all bytes so far.
    typealias Script = @Sendable (_ channel: any Channel, _ received: ByteBuffer) -> Void

    let channel: any Channel
    private let connections: AsyncStream<(any Channel, Int)>
    var port: Int { channel.localAddress?.port ?? 0 }

    static func listen(_ script: @escaping Script) async throws -> ScriptedServer {
        let (connections, announce) = AsyncStream.makeStream(of: (any Channel, Int).self)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptHandler(script: script, announce: announce))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedServer(channel: channel, connections: connections)
    }

    /// Waits until a connection has sent that many bytes. For tests with one connection, once.
    func accepted(afterBytes count: Int = 0) async throws -> any Channel {
        for await (channel, received) in connections where received >= count { return channel }
        throw ChannelError.eof
    }

    /// Answers once, as soon as the client has sent a whole request head.
    static func answering(
        _ text: String, thenClose: Bool = false
    ) async throws -> ScriptedServer {
        try await listen { channel, received in
            guard String(buffer: received).hasSuffix("\r\n\r\n") else { return }
            channel.write(ByteBuffer(string: text), promise: nil)
            channel.flush()
            if thenClose { channel.close(promise: nil) }
        }
    }

    func target(_ path: String = "/") throws -> HTTPTarget {
        try HTTPTarget("http://127.0.0.1:\(port)\(path)")
    }

    func stop() async throws {
        try await channel.close().get()
    }

    private final class ScriptHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let script: Script
        private let announce: AsyncStream<(any Channel, Int)>.Continuation
        private var received = ByteBuffer()

        init(script: @escaping Script, announce: AsyncStream<(any Channel, Int)>.Continuation) {
            self.script = script
            self.announce = announce
        }

        func channelActive(context: ChannelHandlerContext) {
            announce.yield((context.channel, 0))
            script(context.channel, received)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received.writeImmutableBuffer(unwrapInboundIn(data))
            announce.yield((context.channel, received.readableBytes))
            script(context.channel, received)
        }
    }
}

extension Channel {
    /// Sends RST instead of FIN.
    func reset() {
        guard let options = self as? any SocketOptionProvider else { return }
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in self.close(promise: nil) }
    }
}

/// Server frames by hand.
enum RawFrame {
    static func bytes(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeBytes([UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255)])
        buffer.writeBytes([type, flags])
        buffer.writeInteger(stream)
        buffer.writeBytes(payload)
        return buffer
    }

    /// Preface, SETTINGS of three parameters, WINDOW_UPDATE, and the acknowledgement of the server's SETTINGS.
    static let bytesBeforeRequests = 24 + 9 + 18 + 13 + 9

    /// The types of the complete frames behind the client's preface.
    static func types(_ received: ByteBuffer) -> [UInt8] {
        var types: [UInt8] = []
        var index = received.readerIndex + 24
        while let header = HTTP2FrameHeader(received, at: index), received.writerIndex >= index + 9 + header.length {
            types.append(header.type.rawValue)
            index += 9 + header.length
        }
        return types
    }

    static let settings = bytes(4)
    /// `:status: 200`, the static table's entry 8 (RFC 7541 appendix A).
    static func ok(stream: UInt32, endStream: Bool = false) -> ByteBuffer {
        bytes(1, flags: endStream ? 5 : 4, stream: stream, [0x88])
    }

    static func goAway(last: UInt32, code: UInt32, debug: String = "") -> ByteBuffer {
        bytes(7, [last, code].flatMap { value in (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } } + debug.utf8)
    }

    static func reset(stream: UInt32, code: UInt8) -> ByteBuffer {
        bytes(3, stream: stream, [0, 0, 0, code])
    }
}
