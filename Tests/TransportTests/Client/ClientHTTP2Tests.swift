// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Testing

@testable import Transport

/// Many streams on one connection, and servers that end some or all of them.
@Suite(.timeLimit(.minutes(1))) struct ClientHTTP2Tests {
    private static func connect(_ server: ScriptedServer) async throws -> HTTPClientConnection {
        try await TestClient.connect(try server.target(), TestClient.configuration(.http2))
    }

    /// Sends SETTINGS at once, and `frames` when the client has sent that many HEADERS.
    private static func server(
        afterRequests count: Int = 1, thenClose: Bool = false, _ frames: [ByteBuffer]
    ) async throws -> ScriptedServer {
        try await ScriptedServer.listen { channel, received in
            guard received.readableBytes > 0 else {
                channel.writeAndFlush(RawFrame.settings, promise: nil)
                return
            }
            guard RawFrame.types(received).count(where: { $0 == 1 }) == count else { return }
            for frame in frames { channel.write(frame, promise: nil) }
            channel.flush()
            if thenClose { channel.close(promise: nil) }
        }
    }

    @Test func hundredStreamsRunAtOnceOnOneConnection() async throws {
        let origin = try await ClientTestOrigin.listen()
        let connection = try await TestClient.connect(
            try origin.target("/events/500"), TestClient.configuration(.http2))
        let bodies = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<100 {
                group.addTask { try await TestClient.get(connection, "/events/500") }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(bodies == Array(repeating: String(repeating: "event\n", count: 500), count: 100))
        let samples = try await origin.loop.submit {
            var requests: [UInt64] = []
            origin.server.value.forEachConnection { connection, _ in requests.append(connection.requestCount) }
            return requests
        }.get()
        #expect(samples == [100])
        connection.close()
        try await origin.stop()
    }

    @Test func cancelledStreamLeavesTheOthersAlone() async throws {
        let origin = try await ClientTestOrigin.listen()
        let connection = try await TestClient.connect(try origin.target("/"), TestClient.configuration(.http2))
        let kept = try await connection.request(HTTPClientRequest(path: "/endless"))
        let given = try await connection.request(HTTPClientRequest(path: "/endless"))
        given.body.cancel()
        await #expect(throws: HTTPClientError.cancelled) { try await given.collect(upTo: 100) }
        #expect(try await TestClient.get(connection, "/hello") == "hello")
        let active = try await origin.loop.submit {
            var streams = 0
            origin.server.value.forEachConnection { connection, _ in streams += connection.activeStreams }
            return streams
        }.get()
        #expect(active == 1)
        var chunks = kept.body.makeAsyncIterator()
        #expect(try await chunks.next() != nil)
        connection.close()
        await #expect(throws: HTTPClientError.cancelled) { _ = try await chunks.next() }
        try await origin.stop()
    }

    /// The code on the wire, and that letting go of a response is enough.
    @Test func droppedResponseIsResetWithCancel() async throws {
        let (resets, announce) = AsyncStream.makeStream(of: [UInt8].self)
        let server = try await ScriptedServer.listen { channel, received in
            guard received.readableBytes > 0 else {
                channel.writeAndFlush(RawFrame.settings, promise: nil)
                return
            }
            let types = RawFrame.types(received)
            if types.last == 1 { channel.writeAndFlush(RawFrame.ok(stream: 1), promise: nil) }
            if types.last == 3 { announce.yield(Array(received.readableBytesView.suffix(13))) }
        }
        let connection = try await Self.connect(server)
        _ = try await connection.request(HTTPClientRequest())
        var reset = resets.makeAsyncIterator()
        #expect(await reset.next() == Array(RawFrame.reset(stream: 1, code: 8).readableBytesView))
        connection.close()
        try await server.stop()
    }

    @Test func goAwayMidStreamEndsWhatWasNotProcessedAndLetsTheRestFinish() async throws {
        let server = try await Self.server(
            afterRequests: 2,
            [
                RawFrame.ok(stream: 1), RawFrame.goAway(last: 1, code: 0, debug: "max_age"),
                RawFrame.bytes(0, flags: 1, stream: 1, Array("rest".utf8)),
            ])
        let connection = try await Self.connect(server)
        let first = Task { try await TestClient.get(connection, "/1") }
        _ = try await server.accepted(afterBytes: RawFrame.bytesBeforeRequests + 1)
        let evidence = HTTP2GoAwayEvidence(code: .noError, lastStreamID: 1, debug: "max_age")
        await #expect(throws: HTTPClientError.notProcessed(evidence)) { try await TestClient.get(connection, "/3") }
        #expect(try await first.value == "rest")
        #expect(await connection.end() == HTTPConnectionEnd(cause: .local, goAway: evidence))
        await #expect(throws: HTTPClientError.connectionClosing) { try await TestClient.get(connection, "/5") }
        try await server.stop()
    }

    @Test func endUnderOpenStreamsCarriesTheGoAway() async throws {
        let server = try await Self.server(
            thenClose: true, [RawFrame.ok(stream: 1), RawFrame.goAway(last: 1, code: 11, debug: "too\nmuch")])
        let connection = try await Self.connect(server)
        let evidence = HTTP2GoAwayEvidence(code: .enhanceYourCalm, lastStreamID: 1, debug: "too\\x0amuch")
        let end = HTTPConnectionEnd(cause: .fin, goAway: evidence)
        await #expect(throws: HTTPClientError.ended(end, .body)) { try await TestClient.get(connection, "/") }
        #expect(await connection.end() == end)
        try await server.stop()
    }

    @Test func ownServerDrainsByGoAway() async throws {
        let origin = try await ClientTestOrigin.listen()
        let connection = try await TestClient.connect(try origin.target("/"), TestClient.configuration(.http2))
        #expect(try await TestClient.get(connection, "/hello") == "hello")
        try await origin.drain()
        let end = await connection.end()
        #expect(end.cause == .local)
        #expect(end.goAway?.code == .noError)
        try await origin.stop()
    }

    @Test(arguments: [UInt8(0), 2, 7, 11])
    func resetCodeIsEvidence(code: UInt8) async throws {
        let server = try await Self.server([RawFrame.reset(stream: 1, code: code)])
        let connection = try await Self.connect(server)
        let expected = HTTPClientError.streamReset(HTTP2ErrorCode(rawValue: UInt32(code)), .nothing)
        await #expect(throws: expected) { try await TestClient.get(connection, "/") }
        #expect(expected.isUnprocessed == (code == 7))
        connection.close()
        try await server.stop()
    }

    @Test func limitOfStreamsIsRespected() async throws {
        let server = try await ScriptedServer.listen { channel, received in
            guard received.readableBytes == 0 else { return }
            channel.writeAndFlush(RawFrame.bytes(4, [0, 3, 0, 0, 0, 1]), promise: nil)
        }
        let connection = try await Self.connect(server)
        let first = Task { try await TestClient.get(connection, "/") }
        _ = try await server.accepted(afterBytes: RawFrame.bytesBeforeRequests + 1)
        await #expect(throws: HTTPClientError.streamLimit(1)) { try await TestClient.get(connection, "/") }
        first.cancel()
        await #expect(throws: HTTPClientError.cancelled) { try await first.value }
        connection.close()
        try await server.stop()
    }

    @Test func hugeHeadEndsTheConnection() async throws {
        let block = [UInt8](repeating: 0, count: 16_000)
        let server = try await Self.server(
            [RawFrame.bytes(1, stream: 1, block)] + (0..<8).map { _ in RawFrame.bytes(9, stream: 1, block) })
        let connection = try await Self.connect(server)
        await #expect(throws: HTTPClientError.headTooLarge(limit: 65_536)) {
            try await TestClient.get(connection, "/")
        }
        #expect(await connection.end().cause == .violation("response head too large"))
        try await server.stop()
    }

    /// What is not consumed comes to a halt at the stream's window; the connection goes on.
    @Test func unconsumedStreamStopsAtItsWindow() async throws {
        let origin = try await ClientTestOrigin.listen()
        var configuration = TestClient.configuration(.http2)
        configuration.limits.streamWindow = 100_000
        configuration.limits.connectionWindow = 150_000
        let connection = try await TestClient.connect(try origin.target("/"), configuration)
        let counter = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: connection.eventLoop)
        let (full, announce) = AsyncStream.makeStream(of: Void.self)
        let exchange = try await connection.eventLoop.submit {
            let request = HTTPClientRequest(path: "/flood")
            let exchange = try connection.link.start(request, flow: .manual) { event in
                guard case .body(let bytes, _) = event else { return }
                counter.value += bytes.readableBytes
                if counter.value >= 100_000 { announce.yield() }
            }
            return NIOLoopBound(exchange, eventLoop: connection.eventLoop)
        }.get()
        var waiting = full.makeAsyncIterator()
        _ = await waiting.next()
        for _ in 0..<3 { #expect(try await TestClient.get(connection, "/events/20000").utf8.count == 120_000) }
        #expect(try await connection.eventLoop.submit { counter.value }.get() == 100_000)
        try await connection.eventLoop.submit {
            counter.value = 0
            exchange.value.consumed(100_000)
        }.get()
        _ = await waiting.next()
        connection.close()
        try await origin.stop()
    }
}
