// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What work in slices owes to the sockets of its loop, and what a slice's speed rests on.

import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Origin
@testable import Transport

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
        let shared = try Self.shared()
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

    /// What ends at once is dealt with in slices, and a connection behind its streams.
    @Test func whatEndsAtOnceLetsOtherWorkIn() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let afterPoll = try await AfterPoll.make(on: loop)
        let shared = try Self.shared()
        let peer = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        let left = try await loop.flatSubmit { () -> EventLoopFuture<[Int]> in
            let shard = Shard(index: 0, loop: loop, shared: shared, afterPoll: afterPoll.value)
            for slot in 0..<1_500 as Range<Int32> {
                shard.streamEnded(StreamToken(slot: slot, generation: 0), StreamEnd(cause: .fin, socket: nil))
            }
            let connection = Connection(id: .next(), listener: ListenerName.open, peer: peer, acceptedAt: 0)
            shard.connectionEnded(connection)
            let done = loop.makePromise(of: [Int].self)
            Self.watch(shard, [shard.endings.count], done)
            return done.futureResult
        }.get()
        #expect(left == [1_501, 989, 477, 0])
        try await group.shutdownGracefully()
    }

    /// Notes how many are left, once for each slice.
    private static func watch(_ shard: Shard, _ seen: [Int], _ done: EventLoopPromise<[Int]>) {
        guard shard.isSettlingEndings else { return done.succeed(seen + [shard.endings.count]) }
        let now = shard.endings.count
        shard.afterInput { self.watch($0, seen.last == now ? seen : seen + [now], done) }
    }

    private static func shared() throws -> OriginShared {
        let telemetry = try TestTelemetry.make()
        return OriginShared(
            configuration: OriginConfiguration(),
            metrics: try MetricBook(registry: telemetry.registry, dynamic: telemetry.dynamic),
            telemetry: telemetry,
            loopCount: 1,
            logger: Logger(label: "test")
        )
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
