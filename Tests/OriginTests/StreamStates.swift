// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Origin
@testable import Transport

/// Makes states of streams that belong to an event loop and to a connection without a peer.
struct StreamStates {
    /// What was seen on the loop, to be expected in the test's own task.
    struct Finding: Sendable {
        let what: String
        let holds: Bool

        init(_ what: String, _ holds: Bool) {
            self.what = what
            self.holds = holds
        }
    }

    private let stream: ServerStream
    private let record: StreamRecord
    private let subscribed: SubscribedChannel

    /// Runs `body` on an event loop and expects what it found.
    static func withStates(_ body: @escaping @Sendable (StreamStates) -> [Finding]) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let findings = try await listener.eventLoop.submit { body(try StreamStates(listener)) }.get()
        try await listener.close().get()
        for finding in findings { #expect(finding.holds, "\(finding.what)") }
    }

    private init(_ channel: any NIOCore.Channel) throws {
        let head = try RequestHead.sample("/channels/news/events")
        let server = ServerLoop(
            eventLoop: channel.eventLoop,
            application: SilentApplication(),
            limits: ServerLimits(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        self.stream = .http1(
            HTTP1ServerConnection(connection: head.connection, server: server, channel: channel, isDirect: false))
        self.subscribed = SubscribedChannel()
        self.record = StreamRecord(
            number: 1, id: "s-1", channelText: "news", client: "192.0.2.1", path: "direct", request: head, openedAt: 0,
            heartbeat: .comment, resumeOutcome: nil
        )
    }

    func make(position: UInt64) -> StreamState {
        StreamState(
            transport: self.stream, channel: self.subscribed.channel, position: position, deadline: .max,
            heartbeatInterval: 0, record: self.record
        )
    }
}

private final class SilentApplication: Application {
    func plan(for head: RequestHead) -> RequestPlan { .handle(bodyLimit: 0) }
    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {}
    func streamBecameWritable(_ token: StreamToken) {}
    func streamEnded(_ token: StreamToken, _ end: StreamEnd) {}
}
