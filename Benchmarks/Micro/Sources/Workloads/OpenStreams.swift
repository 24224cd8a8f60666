// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import Telemetry

@testable import Origin
@testable import Transport

/// An origin's event loop with streams of one channel, which one HTTP/2 connection in memory has asked for.
final class OpenStreams {
    /// Those that it has at first.
    static let count = 256

    let channel = EmbeddedChannel()
    let shard: Shard
    let key: ChannelKey
    let tracer: Tracer
    private let connection: HTTP2ServerConnection
    private var client = HTTP2Client()

    /// - Parameters:
    ///   - traced: so many of the streams are traced, event by event, because their clients ask for it.
    ///   - metrics: deliveries are counted for /metrics.
    init(traced: Int = 0, metrics: Bool = true) throws {
        guard let name = ChannelName("news") else { throw WorkloadError("no name of a channel") }
        self.key = .named(name)
        let logger = Logger(label: "micro") { _ in SwiftLogNoOpLogHandler() }
        let loop = self.channel.embeddedEventLoop
        let telemetry = try SampleTelemetry.make(isSampled: false)
        self.tracer = telemetry.tracer
        var configuration = OriginConfiguration()
        configuration.metrics = metrics
        let shared = OriginShared(
            configuration: configuration,
            metrics: try MetricBook(registry: telemetry.registry, dynamic: telemetry.dynamic),
            telemetry: telemetry, loopCount: 1, logger: logger)
        let shard = Shard(index: 0, loop: loop, shared: shared, afterPoll: try Self.afterPoll())
        shard.directory = ShardDirectory(shards: [NIOLoopBound(shard, eventLoop: loop)])
        let server = ServerLoop(eventLoop: loop, application: shard, limits: ServerLimits(), logger: logger)
        shard.server = server
        self.shard = shard

        let peer = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        let connection = Transport.Connection(id: .next(), listener: ListenerName.open, peer: peer, acceptedAt: 0)
        try HTTP1ServerConnection.install(
            connection: connection, server: server, channel: self.channel, isDirect: false)
        self.channel.connect(to: peer, promise: nil)
        try self.channel.writeInbound(ByteBuffer(bytes: HTTP2Client.greeting))
        self.connection = try self.channel.pipeline.syncOperations.handler(type: HTTP2ServerConnection.self)
        for number in 0..<Self.count {
            try self.channel.writeInbound(try self.nextRequest(traceNumber: number < traced ? number + 1 : nil))
        }
        _ = self.written()
        try expect(shard.streams.count == Self.count, "\(shard.streams.count) streams are open")
        let found = (0..<Int32(Self.count)).filter { shard.streams[$0].pointee.isTraced }.count
        try expect(found == traced, "\(found) streams are traced, not \(traced)")
    }

    /// What asks for one more.
    func nextRequest(traceNumber: Int? = nil) throws -> ByteBuffer {
        try self.client.nextRequest(traceNumber: traceNumber)
    }

    /// Runs what is due, and takes what was written since the last call; its number of bytes.
    func written() -> Int {
        self.channel.embeddedEventLoop.run()
        var bytes = 0
        while let output = try? self.channel.readOutbound(as: ByteBuffer.self) { bytes &+= output.readableBytes }
        return bytes
    }

    /// Opens the connection's window as far as it goes.
    func openWindow() throws {
        let increment = HTTP2Client.largestWindow - self.connection.session.connectionWindow
        if increment > 0 { try self.channel.writeInbound(HTTP2Client.windowUpdate(by: increment)) }
    }

    /// Of a loop of its own: it is for passes over more streams than are served in one slice, which these are not.
    private static func afterPoll() throws -> AfterPoll {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let made = loop.makeFutureWithTask { try await AfterPoll.make(on: loop) }
        return try made.map { Carried(value: $0.value) }.wait().value
    }

    private struct Carried: @unchecked Sendable {
        let value: AfterPoll
    }
}
