// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import NIOCore
import Testing

@testable import Transport

/// A response body of messages.
@Suite struct HTTP1StreamTests {
    private let peer: EmbeddedConnection
    private let token = StreamToken(slot: 3, generation: 7)
    private let log = FramedLog(maximumMessages: 100, maximumBytes: 1 << 20)

    init() throws { self.peer = try EmbeddedConnection() }

    /// Opens a stream, takes its head and preamble off, and returns it.
    private func open(version: String = "1.1", rest: String = "") throws -> ServerStream {
        try self.peer.send("GET /s HTTP/\(version)\r\nHost: a\r\n\r\n\(rest)")
        let stream = try #require(self.peer.application.requests.first).stream
        let head = Response(status: .ok, headers: ["Content-Type": "text/event-stream"])
        stream.open(head, token: self.token, preamble: ByteBuffer(string: ": hi\n\n"))
        let framing = version == "1.1" ? "Transfer-Encoding: chunked\r\n" : ""
        let preamble = version == "1.1" ? "6\r\n: hi\n\n\r\n" : ": hi\n\n"
        let expected =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\(framing)Connection: close\r\n\r\n\(preamble)"
        #expect(try self.peer.received() == expected)
        #expect(self.peer.connection.activeStreams == 1)
        return stream
    }

    private func send(_ text: String, on stream: ServerStream) -> Bool {
        Array(text.utf8).withUnsafeBytes { stream.send($0) }
    }

    @Test(arguments: ["1.0", "1.1"])
    func messagesGoOutFromThePositionToTheHeadOfTheLog(version: String) throws {
        let stream = try self.open(version: version)
        for text in ["one", "two", "three"] { self.log.append(text) }
        var position: UInt64 = 2
        #expect(stream.send(from: &position, of: self.log) == .caughtUp)
        #expect(position == 4)
        #expect(try self.peer.received() == (version == "1.1" ? "3\r\ntwo\r\n5\r\nthree\r\n" : "twothree"))
        #expect(stream.send(from: &position, of: self.log) == .caughtUp)
        #expect(try self.peer.received() == "")
    }

    @Test(arguments: ["1.0", "1.1"])
    func oneMessageGoesOutAlone(version: String) throws {
        let stream = try self.open(version: version)
        #expect(self.send(": heartbeat\n\n", on: stream))
        #expect(try self.peer.received() == (version == "1.1" ? "d\r\n: heartbeat\n\n\r\n" : ": heartbeat\n\n"))
    }

    @Test(arguments: ["1.0", "1.1"])
    func finishEndsTheBodyBehindTheLastMessage(version: String) throws {
        let stream = try self.open(version: version)
        stream.finish(ByteBuffer(string: "bye\n\n"))
        #expect(try self.peer.received() == (version == "1.1" ? "5\r\nbye\n\n\r\n0\r\n\r\n" : "bye\n\n"))
        #expect(self.peer.isOutputEnded)
        #expect(!self.peer.isClosed)
        #expect(self.peer.connection.activeStreams == 0)
        #expect(self.peer.application.ends.isEmpty)
    }

    @Test func finishWithoutAMessageEndsTheBody() throws {
        let stream = try self.open()
        stream.finish(nil)
        #expect(try self.peer.received() == "0\r\n\r\n")
        stream.finish(nil)
        #expect(try self.peer.received() == "")
    }

    @Test func anEmptyPreambleIsNoChunk() throws {
        try self.peer.send("GET /s HTTP/1.1\r\nHost: a\r\n\r\n")
        let stream = try #require(self.peer.application.requests.first).stream
        stream.open(Response(status: .ok), token: self.token, preamble: ByteBuffer())
        #expect(try self.peer.received().hasSuffix("Connection: close\r\n\r\n"))
    }

    @Test func abortClosesAtOnceAndTellsNothing() throws {
        let stream = try self.open()
        stream.abort()
        self.peer.channel.embeddedEventLoop.run()
        #expect(self.peer.isClosed)
        #expect(self.peer.application.ends.isEmpty)
        #expect(self.peer.connection.activeStreams == 0)
        stream.abort()
        stream.finish(nil)
        #expect(try self.peer.received() == "")
    }

    @Test func aFullSocketBlocksTheStreamUntilItIsFlushed() throws {
        let stream = try self.open()
        self.peer.peer.stall()
        var position: UInt64 = 1
        self.log.append("one")
        #expect(stream.send(from: &position, of: self.log) == .blocked)
        #expect(position == 2)
        self.log.append("two")
        #expect(stream.send(from: &position, of: self.log) == .blocked)
        #expect(position == 2)
        #expect(!self.send("x", on: stream))
        #expect(self.peer.application.writable.isEmpty)

        self.peer.peer.resume()
        #expect(try self.peer.received() == "3\r\none\r\n")
        #expect(self.peer.application.writable == [self.token])
        #expect(stream.send(from: &position, of: self.log) == .caughtUp)
        #expect(position == 3)
        #expect(try self.peer.received() == "3\r\ntwo\r\n")
        #expect(self.peer.application.writable == [self.token])
    }

    @Test func aLaggingStreamIsServedInBoundedBursts() throws {
        var limits = ServerLimits()
        limits.maximumBurstBytes = 16
        let peer = try EmbeddedConnection(limits: limits)
        try peer.send("GET /s HTTP/1.1\r\nHost: a\r\n\r\n")
        let stream = try #require(peer.application.requests.first).stream
        stream.open(Response(status: .ok), token: self.token, preamble: ByteBuffer())
        _ = try peer.received()
        // Frames of 8 bytes: two fit into a burst.
        for text in ["aaa", "bbb", "ccc", "ddd", "eee"] { self.log.append(text) }
        var position: UInt64 = 1
        peer.peer.stall()
        #expect(stream.send(from: &position, of: self.log) == .blocked)
        #expect(position == 3)
        peer.peer.resume()
        #expect(try peer.received() == "3\r\naaa\r\n3\r\nbbb\r\n")
        #expect(stream.send(from: &position, of: self.log) == .caughtUp)
        #expect(try peer.received() == "3\r\nccc\r\n3\r\nddd\r\n3\r\neee\r\n")
    }

    @Test func finishWaitsForAFullSocketBeforeItEndsTheOutput() throws {
        let stream = try self.open()
        self.peer.peer.stall()
        var position: UInt64 = 1
        self.log.append("one")
        _ = stream.send(from: &position, of: self.log)
        stream.finish(ByteBuffer(string: "bye"))
        #expect(!self.peer.isOutputEnded)
        self.peer.peer.resume()
        #expect(try self.peer.received() == "3\r\none\r\n3\r\nbye\r\n0\r\n\r\n")
        #expect(self.peer.isOutputEnded)
        #expect(self.peer.application.writable.isEmpty)
    }

    @Test func bytesBehindAStreamAreDiscarded() throws {
        _ = try self.open(rest: "GET /pipelined HTTP/1.1\r\nHost: a\r\n\r\n")
        try self.peer.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received() == "")
        #expect(self.peer.application.planned == ["/s"])
        #expect(self.peer.application.ends.isEmpty)
        #expect(!self.peer.isClosed)
    }

    @Test func bytesBehindAStreamAreCutOffAtTheBound() throws {
        var limits = ServerLimits()
        limits.maximumDiscardedBytes = 100
        let peer = try EmbeddedConnection(limits: limits)
        try peer.send("GET /s HTTP/1.1\r\nHost: a\r\n\r\n")
        let stream = try #require(peer.application.requests.first).stream
        stream.open(Response(status: .ok), token: self.token, preamble: ByteBuffer())
        // The parser leaves in the loop's next turn, which is before the next read.
        _ = try peer.received()
        try peer.send([UInt8](repeating: 0, count: 60))
        try peer.send([UInt8](repeating: 0, count: 40))
        #expect(peer.application.ends.isEmpty)
        try peer.send([0])
        #expect(peer.application.ends.map(\.cause) == [.inputOverflow])
        #expect(peer.application.ends.map(\.token) == [self.token])
        #expect(peer.isClosed)
    }

    @Test func openingDoesNothingOnceThePeerHasGone() throws {
        try self.peer.send("GET /s HTTP/1.1\r\nHost: a\r\n\r\n")
        let stream = try #require(self.peer.application.requests.first).stream
        #expect(stream.awaitsResponse)
        self.peer.fail(errno: ECONNRESET)
        #expect(!stream.awaitsResponse)
        stream.open(Response(status: .ok), token: self.token, preamble: ByteBuffer())
        #expect(self.peer.application.ends.isEmpty)
        #expect(try self.peer.received() == "")
    }
}
