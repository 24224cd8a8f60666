// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix
import Testing

@testable import Transport

/// Bodies that go to a sink: the same bytes as to a receiver, on both protocols, read by NIO or past it.
@Suite(.timeLimit(.minutes(1))) struct ClientBodySinkTests {
    /// Keeps what it gets. Belongs to one loop.
    final class Keeper: HTTPBodySink {
        var bodies: [UInt32: String] = [:]
        var times: [Int64] = []

        func received(_ bytes: UnsafeRawBufferPointer, token: UInt32, arrival: HTTPArrival) {
            bodies[token, default: ""] += String(decoding: bytes, as: UTF8.self)
            times.append(arrival.time)
        }
    }

    /// What became of one request to a server that sends `pieces`, each when the one before has arrived.
    struct Told: Sendable, Equatable {
        var events: [String] = []
        var body = ""
    }

    private static func told(
        of pieces: [String],
        closes: Bool = false,
        reads: @escaping @Sendable (HTTPClientLink) -> HTTP1BodyPoll? = { _ in nil }
    ) async throws -> Told {
        let server = try await ScriptedServer.listen { _, _ in }
        let connection = try await TestClient.connect(try server.target())
        let (events, announce) = AsyncStream.makeStream(of: String.self)
        let loop = connection.eventLoop
        let keeper = try await loop.submit {
            let keeper = Keeper()
            connection.link.deliverBodies(to: keeper)
            _ = try connection.link.start(HTTPClientRequest(), token: 7) { event in
                announce.yield(event.name)
                if case .end = event { announce.finish() }
            }
            return NIOLoopBound(keeper, eventLoop: loop)
        }.get()
        let channel = try await server.accepted(afterBytes: 10)
        var sent = 0
        for piece in pieces {
            try await channel.writeAndFlush(ByteBuffer(string: piece)).get()
            sent += 1
            // The next piece must come by a read of its own.
            try await Self.waitForBytes(of: sent, on: connection, reads: reads)
        }
        if closes { try await channel.close().get() }
        var told = Told()
        for await event in events { told.events.append(event) }
        told.body = try await loop.submit { keeper.value.bodies[7] ?? "" }.get()
        connection.close()
        try await server.stop()
        return told
    }

    /// Waits until the connection has read so often, by its own channel or by the poll.
    private static func waitForBytes(
        of reads: Int,
        on connection: HTTPClientConnection,
        reads makePoll: @escaping @Sendable (HTTPClientLink) -> HTTP1BodyPoll?
    ) async throws {
        let loop = connection.eventLoop
        let box = NIOLoopBoundBox<HTTP1BodyPoll?>.makeBoxSendingValue(nil, eventLoop: loop)
        while true {
            let count = try await loop.submit { () -> UInt64 in
                guard case .http1(let http1) = connection.link else { return .max }
                if box.value == nil { box.value = makePoll(connection.link) }
                _ = box.value?.poll(timeout: 0)
                return http1.machine.isClosed || http1.machine.isIdle ? .max : http1.arrival.read
            }.get()
            if count >= reads { return }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(arguments: [
        [head + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"],
        [head, "5\r\nhello\r\n", "6\r\n world\r\n", "0\r\n\r\n"],
        [head + "5", "\r\nhel", "lo\r", "\n6\r\n world", "\r\n0", "\r\nX: y\r\n\r\n"],
        ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r", "\n\r\n5\r\nhello\r\n", "6\r\n world\r\n0\r\n\r\n"],
        ["HTTP/1.1 103 Early Hints\r\n\r\n" + head + "b\r\nhello world\r\n0\r\n\r\n"],
        ["HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello", " world"],
    ])
    func bodyIsWholeHoweverItIsCut(pieces: [String]) async throws {
        let told = try await Self.told(of: pieces)
        #expect(told.body == "hello world")
        #expect(told.events.filter { $0 != "103" } == ["200", "complete"])
    }

    @Test func bodyWithoutLengthEndsWithTheConnection() async throws {
        let told = try await Self.told(of: ["HTTP/1.1 200 OK\r\n\r\nhello", " world"], closes: true)
        #expect(told == Told(events: ["200", "until close"], body: "hello world"))
    }

    @Test func chunkThatIsNoneFailsTheRequest() async throws {
        let told = try await Self.told(of: [Self.head + "5\r\nhelloX"])
        #expect(told.body == "hello")
        #expect(told.events.count == 2)
        #expect(told.events.last?.contains("no CR behind a chunk") == true)
    }

    @Test func cutBodyIsNotComplete() async throws {
        let told = try await Self.told(of: [Self.head + "5\r\nhel"], closes: true)
        #expect(told.body == "hel")
        #expect(told.events.last?.contains("FIN") == true)
    }

    @Test func headersOnlyGoToTheReceiver() async throws {
        let told = try await Self.told(of: ["HTTP/1.1 204 No Content\r\n\r\n"])
        #expect(told == Told(events: ["204", "complete"], body: ""))
    }

    #if os(Linux)
        @Test(arguments: [false, true])
        func adoptedConnectionReadsOnPastItsChannel(isCut: Bool) async throws {
            let origin = try await ScriptedServer.listen { _, _ in }
            let connection = try await TestClient.connect(try origin.target())
            let loop = connection.eventLoop
            let (events, announce) = AsyncStream.makeStream(of: String.self)
            let (keeper, poll) = try await loop.submit {
                let keeper = Keeper()
                connection.link.deliverBodies(to: keeper)
                _ = try connection.link.start(HTTPClientRequest(), token: 1) { event in
                    announce.yield(event.name)
                    if case .end = event { announce.finish() }
                }
                return (
                    NIOLoopBound(keeper, eventLoop: loop),
                    NIOLoopBound(try #require(HTTP1BodyPoll()), eventLoop: loop)
                )
            }.get()
            // No body yet: nothing to take over.
            #expect(try await loop.submit { poll.value.adopt(connection.link) }.get() == false)
            let channel = try await origin.accepted(afterBytes: 10)
            try await channel.writeAndFlush(ByteBuffer(string: Self.head + "1\r\na\r\n")).get()
            try await Self.wait(loop) { keeper.value.bodies[1] == "a" }
            #expect(try await loop.submit { poll.value.adopt(connection.link) }.get())
            #expect(try await loop.submit { poll.value.adopt(connection.link) }.get() == false)
            try await channel.writeAndFlush(ByteBuffer(string: "2\r\nbc\r\n3\r\nd")).get()
            // Only the poll reads it.
            try await Self.wait(loop) { poll.value.poll(timeout: 0) == 1 }
            #expect(try await loop.submit { keeper.value.bodies[1] }.get() == "abcd")
            try await channel.writeAndFlush(ByteBuffer(string: "ef\r\n")).get()
            if !isCut {
                try await channel.writeAndFlush(ByteBuffer(string: "0\r\n\r\n")).get()
                try await Self.wait(loop) { poll.value.poll(timeout: 0) >= 0 && poll.value.count == 0 }
            } else {
                // The end is NIO's, with all that came before it.
                try await channel.close().get()
            }
            var told: [String] = []
            for await event in events { told.append(event) }
            #expect(told.first == "200")
            #expect(isCut ? told.last?.contains("FIN") == true : told.last == "complete")
            #expect(try await loop.submit { keeper.value.bodies[1] }.get() == "abcdef")
            #expect(try await loop.submit { poll.value.count }.get() == 0)
            connection.close()
            try await origin.stop()
        }

        private static func wait(_ loop: any EventLoop, until holds: @escaping @Sendable () -> Bool) async throws {
            while try await !loop.submit(holds).get() { try await Task.sleep(for: .milliseconds(1)) }
        }
    #endif
}
