// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What work in slices owes to the sockets of its loop, and what a slice's speed rests on.

import Logging
import NIOCore
import NIOPosix
import Testing
import Transport

@testable import Origin

@Suite struct DeliverySlicesTests {
    /// NIO runs the tasks that tasks submit before it polls, so with ``Shard/later(_:)`` in the place of
    /// ``Shard/afterInput(_:)`` the connection below would only be accepted when all work is done.
    @Test func workInSlicesLetsSocketsBeServed() async throws {
        let end = Clock.monotonic() + .nanoseconds(seconds: 20)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let shared = OriginShared(configuration: OriginConfiguration(), logger: Logger(label: "test"))
        let server = try await ServerBootstrap(group: group)
            // Accepts, and closes what it accepted.
            .childChannelInitializer { $0.eventLoop.makeFailedFuture(ChannelError.eof) }
            .bind(host: "127.0.0.1", port: 0).get()
        let afterPoll = try await AfterPoll.make(on: loop)
        let shard = try await loop.submit {
            let shard = Shard(index: 0, loop: loop, shared: shared, afterPoll: afterPoll.value)
            Self.work(on: shard, until: end)
            return NIOLoopBound(shard, eventLoop: loop)
        }.get()

        let clientGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = try await ClientBootstrap(group: clientGroup)
            .connect(to: try #require(server.localAddress)).get()
        // The kernel connects by itself; this end comes only from a server that polled.
        try await client.closeFuture.get()
        #expect(Clock.monotonic() < end)

        try await loop.submit { shard.value.stop() }.get()
        try await clientGroup.shutdownGracefully()
        try await group.shutdownGracefully()
    }

    private static func work(on shard: Shard, until end: Int64) {
        guard Clock.monotonic() < end else { return }
        shard.afterInput { self.work(on: $0, until: end) }
    }

    @Test func aStreamsStateIsTwoCacheLines() {
        #expect(MemoryLayout<StreamState>.stride == 128)
    }

    @Test func whatAnEventTouchesIsTheFirstOfThem() {
        #expect(MemoryLayout<StreamState>.offset(of: \.byteCount) == 56)
    }
}
