// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What work in slices owes to the sockets of its loop, and what a slice's speed rests on.

import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Origin

@Suite struct DeliverySlicesTests {
    /// NIO runs the tasks that tasks submit before it polls, so with ``Shard/later(_:)`` in the place of
    /// ``Shard/afterInput(_:)`` the connection below would never be accepted.
    @Test(.timeLimit(.minutes(1))) func workInSlicesWithoutEndLetsSocketsBeServed() async throws {
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
            Self.workWithoutEnd(on: shard)
            return NIOLoopBound(shard, eventLoop: loop)
        }.get()

        let clientGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = try await ClientBootstrap(group: clientGroup)
            .connect(to: try #require(server.localAddress)).get()
        // The kernel connects by itself; this end comes only from a server that polled.
        try await client.closeFuture.get()

        try await loop.submit { shard.value.stop() }.get()
        try await clientGroup.shutdownGracefully()
        try await group.shutdownGracefully()
    }

    private static func workWithoutEnd(on shard: Shard) {
        shard.afterInput { self.workWithoutEnd(on: $0) }
    }

    @Test func aStreamsStateIsTwoCacheLines() {
        #expect(MemoryLayout<StreamState>.stride == 128)
    }

    @Test func whatAnEventTouchesIsTheFirstOfThem() {
        #expect(MemoryLayout<StreamState>.offset(of: \.byteCount) == 56)
    }
}
