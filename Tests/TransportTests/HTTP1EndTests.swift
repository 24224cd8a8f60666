// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import NIOCore
import Testing

@testable import Transport

/// How connections end by the peer, by the network and by deadlines, and what the application hears of it.
@Suite struct HTTP1EndTests {
    private let peer: EmbeddedConnection
    private let token = StreamToken(slot: 1, generation: 2)

    init() throws { self.peer = try EmbeddedConnection() }

    private func open() throws -> ServerStream {
        try self.peer.send("GET /s HTTP/1.1\r\nHost: a\r\n\r\n")
        let stream = try #require(self.peer.application.requests.first).stream
        stream.open(Response(status: .ok), token: self.token, preamble: ByteBuffer())
        _ = try self.peer.received()
        return stream
    }

    @Test func aFINEndsAnOpenStream() throws {
        _ = try self.open()
        self.peer.sendEnd()
        #expect(self.peer.application.ends.map(\.cause) == [.fin])
        #expect(self.peer.application.ends.map(\.token) == [self.token])
        #expect(self.peer.isClosed)
        #expect(self.peer.connection.activeStreams == 0)
    }

    @Test(arguments: [
        (ECONNRESET, StreamEnd.Cause.reset), (EPIPE, .reset), (ETIMEDOUT, .timedOut(ETIMEDOUT)),
        (EHOSTUNREACH, .timedOut(EHOSTUNREACH)), (ENETUNREACH, .timedOut(ENETUNREACH)),
    ])
    func aReadErrorEndsAnOpenStreamWithItsCause(code: CInt, cause: StreamEnd.Cause) throws {
        _ = try self.open()
        self.peer.fail(errno: code)
        #expect(self.peer.application.ends.map(\.cause) == [cause])
        #expect(self.peer.isClosed)
    }

    @Test(arguments: [
        (EPIPE, StreamEnd.Cause.writeFailed(EPIPE)), (ECONNRESET, .writeFailed(ECONNRESET)),
        (ETIMEDOUT, .timedOut(ETIMEDOUT)),
    ])
    func aFailedWriteEndsAnOpenStreamWithItsCause(code: CInt, cause: StreamEnd.Cause) throws {
        let stream = try self.open()
        self.peer.peer.stall()
        _ = [UInt8(1)].withUnsafeBytes { stream.send($0) }
        self.peer.peer.failHeldWrites(errno: code)
        #expect(self.peer.application.ends.isEmpty, "the application hears of it outside of its own call")
        self.peer.channel.embeddedEventLoop.run()
        #expect(self.peer.application.ends.map(\.cause) == [cause])
        #expect(self.peer.isClosed)
    }

    @Test func aStreamsEndIsToldOnce() throws {
        _ = try self.open()
        self.peer.fail(errno: ECONNRESET)
        self.peer.sendEnd()
        self.peer.fail(errno: ECONNRESET)
        #expect(self.peer.application.ends.count == 1)
    }

    @Test func closingEverythingTellsTheEndOfAnOpenStream() throws {
        _ = try self.open()
        self.peer.server.closeAll()
        self.peer.channel.embeddedEventLoop.run()
        #expect(self.peer.application.ends.count == 1)
        #expect(self.peer.server.connectionCount == 0)
    }

    @Test func aFINBehindARequestLetsItsAnswerOut() throws {
        try self.peer.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        self.peer.sendEnd()
        #expect(!self.peer.isClosed)
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        #expect(try self.peer.received().hasSuffix("Connection: close\r\n\r\n/1|"))
        #expect(self.peer.isOutputEnded)
    }

    @Test func aFINBetweenRequestsClosesWithoutAWord() throws {
        self.peer.sendEnd()
        #expect(self.peer.isClosed)
        #expect(try self.peer.received() == "")
    }

    @Test(arguments: ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"])
    func aFINWithinARequestIsAnswered400AndCloses(text: String) throws {
        try self.peer.send(text)
        self.peer.sendEnd()
        #expect(self.peer.isClosed)
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 400 "))
        #expect(self.peer.application.requests.isEmpty)
    }

    @Test func afterTheLastAnswerThePeersFINCloses() throws {
        try self.peer.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        #expect(self.peer.isOutputEnded)
        #expect(!self.peer.isClosed)
        self.peer.sendEnd()
        #expect(self.peer.isClosed)
    }

    @Test func afterTheLastAnswerInputIsDroppedUpToTheBound() throws {
        var limits = ServerLimits()
        limits.maximumDiscardedBytes = 100
        let peer = try EmbeddedConnection(limits: limits)
        try peer.send("GET / HTTP/1.1\r\n\r\n")
        try peer.send([UInt8](repeating: 65, count: 100))
        #expect(!peer.isClosed)
        try peer.send([65])
        #expect(peer.isClosed)
        #expect(peer.application.ends.isEmpty)
    }

    // MARK: Deadlines

    private func limits() -> ServerLimits {
        var limits = ServerLimits()
        limits.headerTimeout = .nanoseconds(seconds: 10)
        limits.bodyTimeout = .nanoseconds(seconds: 30)
        limits.keepAliveTimeout = .nanoseconds(seconds: 75)
        limits.lingerTimeout = .nanoseconds(seconds: 2)
        return limits
    }

    private func inSeconds(_ seconds: Double) -> Int64 { Clock.monotonic() + .nanoseconds(seconds: seconds) }

    @Test(arguments: ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"])
    func aHeadThatDoesNotComeInTimeIsAnswered408(text: String) throws {
        let peer = try EmbeddedConnection(limits: self.limits())
        try peer.send(text)
        peer.sweep(at: self.inSeconds(9))
        #expect(try peer.received() == "")
        peer.sweep(at: self.inSeconds(10.1))
        #expect(try peer.received().hasPrefix("HTTP/1.1 408 "))
        #expect(peer.isOutputEnded)
        peer.sweep(at: self.inSeconds(1.9))
        #expect(!peer.isClosed)
        peer.sweep(at: self.inSeconds(2.1))
        #expect(peer.isClosed)
    }

    @Test func aBodyThatDoesNotComeInTimeIsAnswered408() throws {
        let peer = try EmbeddedConnection(limits: self.limits())
        try peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
        peer.sweep(at: self.inSeconds(29))
        #expect(try peer.received() == "")
        peer.sweep(at: self.inSeconds(30.1))
        #expect(try peer.received().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func anIdleConnectionIsClosedWithoutAWord() throws {
        let peer = try EmbeddedConnection(limits: self.limits())
        peer.application.answer = RecordingApplication.echo
        try peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try peer.received()
        peer.sweep(at: self.inSeconds(74))
        #expect(!peer.isClosed)
        peer.sweep(at: self.inSeconds(75.1))
        #expect(peer.isClosed)
        #expect(try peer.received() == "")
    }

    @Test func anAnswerUnderWayAndAnOpenStreamHaveNoDeadline() throws {
        let peer = try EmbeddedConnection(limits: self.limits())
        try peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        peer.sweep(at: self.inSeconds(3600))
        #expect(!peer.isClosed)
        let stream = try #require(peer.application.requests.first).stream
        stream.open(Response(status: .ok), token: self.token, preamble: ByteBuffer())
        peer.sweep(at: self.inSeconds(86_400))
        #expect(!peer.isClosed)
        #expect(peer.application.ends.isEmpty)
    }
}
