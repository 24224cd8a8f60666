// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Transport

/// From the bytes of a request to the application and back: llhttp, checks, the connection's states, a short answer.
/// NIO's channel in memory is part of it.
final class HTTP1RequestParsing: Workload {
    private let channel = EmbeddedChannel()
    private let application = CountingApplication()
    private let request: ByteBuffer

    init() throws {
        let fields = HTTP2Client.request.filter { !$0.name.hasPrefix(":") && $0.name != "priority" }
        let lines = fields.map { "\($0.name): \($0.value)\r\n" }.joined()
        self.request = ByteBuffer(
            string: "GET /channels/news/events HTTP/1.1\r\nhost: events.example.com\r\n"
                + "connection: keep-alive\r\n\(lines)\r\n")
        let server = ServerLoop(
            eventLoop: self.channel.embeddedEventLoop, application: self.application, limits: ServerLimits(),
            logger: Logger(label: "micro") { _ in SwiftLogNoOpLogHandler() })
        let peer = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        let connection = Connection(id: .next(), listener: "public", peer: peer, acceptedAt: 0)
        try HTTP1ServerConnection.install(
            connection: connection, server: server, channel: self.channel, isDirect: false)
        self.channel.connect(to: peer, promise: nil)
        let count = self.run(1)
        try expect(self.application.fields == fields.count + 2, "the request has \(self.application.fields) fields")
        try expect(count > 50, "the answer has \(count) bytes")
    }

    func run(_ steps: Int) -> Int {
        var bytes = 0
        for _ in 0..<steps {
            self.channel.pipeline.fireChannelRead(self.request)
            self.channel.pipeline.fireChannelReadComplete()
            self.channel.embeddedEventLoop.run()
            guard let answer = try? self.channel.readOutbound(as: ByteBuffer.self) else { return -1 }
            bytes &+= answer.readableBytes
        }
        return bytes
    }
}

private final class CountingApplication: Application {
    private(set) var fields = 0

    func plan(for head: RequestHead) -> RequestPlan { .handle(bodyLimit: 0) }

    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        self.fields = head.headers.count
        stream.respond(Response(status: .noContent))
    }

    func streamBecameWritable(_ token: StreamToken) {}
    func streamEnded(_ token: StreamToken, _ end: StreamEnd) {}
}
