// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What work in slices owes to the sockets of its loop, and what a slice's speed rests on.

import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Origin

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct DeliverySlicesTests {
    /// NIO runs the tasks that tasks submit before it polls, so with ``Shard/later(_:)`` in the place of
    /// ``Shard/afterInput(_:)`` the connection below would only be accepted when all work is done.
    @Test func workInSlicesLetsSocketsBeServed() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let work = try await loop.submit { NIOLoopBound(Work(), eventLoop: loop) }.get()
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                work.value.isDisturbed = true
                return channel.eventLoop.makeFailedFuture(ChannelError.eof)
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let telemetry = try TestTelemetry.make()
        let shared = OriginShared(
            configuration: OriginConfiguration(),
            metrics: try MetricBook(registry: telemetry.registry, dynamic: telemetry.dynamic),
            telemetry: telemetry,
            loopCount: 1,
            logger: Logger(label: "test")
        )
        let afterPoll = try await AfterPoll.make(on: loop)
        let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(client) }

        let wasDisturbed = try await loop.flatSubmit { () -> EventLoopFuture<Bool> in
            // The kernel completes the connection by itself: from now on the listening socket is readable, and only the
            // next poll can tell.
            let connected = server.localAddress?.withSockAddr { connect(client, $0, socklen_t($1)) }
            let done = loop.makePromise(of: Bool.self)
            guard connected == 0 else { return loop.makeFailedFuture(ChannelError.connectPending) }
            let shard = Shard(index: 0, loop: loop, shared: shared, afterPoll: afterPoll.value)
            work.value.goOn(shard, done)
            return done.futureResult
        }.get()

        #expect(wasDisturbed)
        try await group.shutdownGracefully()
    }

    private final class Work {
        var isDisturbed = false
        private var slicesLeft = 1000

        func goOn(_ shard: Shard, _ done: EventLoopPromise<Bool>) {
            guard !self.isDisturbed, self.slicesLeft > 0 else { return done.succeed(self.isDisturbed) }
            self.slicesLeft -= 1
            shard.afterInput { self.goOn($0, done) }
        }
    }

    @Test func aStreamsStateIsTwoCacheLines() {
        #expect(MemoryLayout<StreamState>.stride == 128)
    }

    @Test func whatAnEventTouchesIsTheFirstOfThem() {
        #expect(MemoryLayout<StreamState>.offset(of: \.byteCount) == 56)
    }
}
