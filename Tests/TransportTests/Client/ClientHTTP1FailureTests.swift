// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Testing

@testable import Transport

/// HTTP/1.1 servers that are broken, hostile or gone.
@Suite(.timeLimit(.minutes(1))) struct ClientHTTP1FailureTests {
    private static func failure(
        answer: String, thenClose: Bool = false, headBytes: Int? = nil
    ) async throws -> HTTPClientError? {
        let server = try await ScriptedServer.answering(answer, thenClose: thenClose)
        var configuration = TestClient.configuration()
        if let headBytes { configuration.limits.headBytes = headBytes }
        let error = await TestClient.failure(try server.target(), configuration)
        try await server.stop()
        return error
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "<html>\r\n\r\n", "\u{1}\u{2}\u{3}", "HTTP/9.9 200 OK\r\n\r\n"])
    func garbageIsQuoted(answer: String) async throws {
        #expect(try await Self.failure(answer: answer) == .notHTTP(firstBytes: Printable.text(answer.utf8)))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nX-Endless: " + String(repeating: "a", count: 20_000),
        "HTTP/1.1 200 " + String(repeating: "very ", count: 4_000),
        "HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 4_000),
        String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", count: 15)
            + "HTTP/1.1 200 OK\r\nX-Endless: " + String(repeating: "a", count: 20_000),
    ])
    func endlessHeadIsCutOff(answer: String) async throws {
        #expect(try await Self.failure(answer: answer, headBytes: 8_192) == .headTooLarge(limit: 8_192))
    }

    /// Each byte alone resets no clock.
    @Test func tricklingHeadRunsIntoTheTimeout() async throws {
        let server = try await ScriptedServer.listen { channel, received in
            guard received.readableBytes > 0 else { return }
            channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\nX-Slow: "), promise: nil)
            channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { task in
                channel.isActive ? channel.writeAndFlush(ByteBuffer(string: "a"), promise: nil) : task.cancel()
            }
        }
        var configuration = TestClient.configuration()
        configuration.timeouts.responseHead = .milliseconds(200)
        let error = await TestClient.failure(try server.target(), configuration)
        #expect(error == .timedOut(.responseHead, seconds: 0.2))
        try await server.stop()
    }

    @Test(arguments: [
        ("", HTTPResponseProgress.nothing),
        ("HTTP/1.1 20", .partialHead),
        ("HTTP/1.1 200 OK\r\nContent-Len", .partialHead),
        ("HTTP/1.1 100 Continue\r\n\r\n", .partialHead),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .body),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal", .body),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", .body),
    ])
    func endInTheMiddleIsNoEnd(answer: String, progress: HTTPResponseProgress) async throws {
        let error = try await Self.failure(answer: answer, thenClose: true)
        #expect(error == .ended(HTTPConnectionEnd(cause: .fin), progress))
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", HTTPResponseProgress.body),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", .body),
    ])
    func resetIsTold(answer: String, progress: HTTPResponseProgress) async throws {
        let server = try await ScriptedServer.answering(answer)
        let connection = try await TestClient.connect(try server.target())
        let response = try await connection.request(HTTPClientRequest())
        let accepted = try await server.accepted()
        accepted.reset()
        await #expect(throws: HTTPClientError.ended(HTTPConnectionEnd(cause: .reset), progress)) {
            try await response.collect(upTo: 100)
        }
        #expect(await connection.end().cause == .reset)
        try await server.stop()
    }

    @Test func bodyMayEndWithTheConnection() async throws {
        let server = try await ScriptedServer.answering("HTTP/1.0 200 OK\r\n\r\nall of it", thenClose: true)
        let connection = try await TestClient.connect(try server.target())
        let response = try await connection.request(HTTPClientRequest())
        #expect(response.head.applicationProtocol == .http10)
        #expect(String(buffer: try await response.collect(upTo: 100)) == "all of it")
        #expect(response.body.end == .untilClose)
        #expect(await connection.end().cause == .fin)
        try await server.stop()
    }

    @Test func serverThatSaysCloseIsLeft() async throws {
        let server = try await ScriptedServer.answering(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        let connection = try await TestClient.connect(try server.target())
        #expect(try await TestClient.get(connection, "/") == "ok")
        #expect(await connection.end().cause == .local)
        await #expect(throws: HTTPClientError.connectionClosing) { try await connection.request(HTTPClientRequest()) }
        try await server.stop()
    }

    @Test func informationalResponsesComeBeforeTheHeadAndAreCounted() async throws {
        let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        let server = try await ScriptedServer.answering(
            hint + hint + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let connection = try await TestClient.connect(try server.target())
        let events = try await connection.events(HTTPClientRequest())
        #expect(events.map(\.name) == ["103", "103", "200", "complete"])
        connection.close()
        try await server.stop()
        let flood = String(repeating: hint, count: 17)
        #expect(try await Self.failure(answer: flood) == .tooManyInformational(limit: 16))
    }

    @Test func upgradeNobodyAskedForIsMalformed() async throws {
        let error = try await Self.failure(answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
        #expect(error == .malformed("101 without an upgrade asked for"))
    }

    @Test func trailersArrive() async throws {
        let server = try await ScriptedServer.answering(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n")
        let connection = try await TestClient.connect(try server.target())
        let response = try await connection.request(HTTPClientRequest())
        #expect(String(buffer: try await response.collect(upTo: 10)) == "ok")
        #expect(response.body.end == .complete(trailers: ["X-Sum": "7"]))
        connection.close()
        try await server.stop()
    }

    @Test func answerWithoutQuestionEndsTheConnection() async throws {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        let server = try await ScriptedServer.answering(ok + ok)
        let connection = try await TestClient.connect(try server.target())
        #expect(try await TestClient.get(connection, "/") == "")
        guard case .violation = await connection.end().cause else {
            Issue.record("\(await connection.end())")
            return
        }
        try await server.stop()
    }

    @Test func secondRequestAtOnceIsRefused() async throws {
        let server = try await ScriptedServer.listen { _, _ in }
        let connection = try await TestClient.connect(try server.target())
        let first = Task { try await connection.request(HTTPClientRequest()) }
        _ = try await server.accepted(afterBytes: 1)
        await #expect(throws: HTTPClientError.busy) { try await connection.request(HTTPClientRequest()) }
        connection.close()
        await #expect(throws: HTTPClientError.cancelled) { try await first.value }
        try await server.stop()
    }

    @Test func cancelledTaskEndsTheRequestAndTheConnection() async throws {
        let server = try await ScriptedServer.listen { _, _ in }
        let connection = try await TestClient.connect(try server.target())
        let task = Task { try await connection.request(HTTPClientRequest()) }
        let accepted = try await server.accepted(afterBytes: 1)
        task.cancel()
        await #expect(throws: HTTPClientError.cancelled) { try await task.value }
        #expect(await connection.end().cause == .local)
        try await accepted.closeFuture.get()
        try await server.stop()
    }
}
