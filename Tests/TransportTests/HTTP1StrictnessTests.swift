// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import NIOCore
import Testing

@testable import Transport

/// What must not happen between requests, answers and ends, however seldom a client brings it about.
@Suite struct HTTP1StrictnessTests {
    private let peer: EmbeddedConnection

    init() throws { self.peer = try EmbeddedConnection() }

    private let first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"

    /// RFC 9112, section 9.3.2: answers come in the order of the requests, so an error must wait for its turn.
    @Test(arguments: ["", "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"])
    func anErrorInAPipelinedRequestDoesNotTakeThePlaceOfAPendingAnswer(second: String) throws {
        try self.peer.send(self.first + second + "GARBAGE\r\n\r\n")
        #expect(try self.peer.received() == "")
        self.peer.application.answer = RecordingApplication.echo
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        let text = try self.peer.received()
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(text.contains("/1|"))
    }

    /// Else the client waits out the keep-alive timeout on a connection that reads nothing any more.
    @Test func aConnectionWhoseInputIsBrokenEndsAfterThePendingAnswer() throws {
        try self.peer.send(self.first + "GARBAGE\r\n\r\n")
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        #expect(try self.peer.received().contains("/1|"))
        #expect(self.peer.isOutputEnded)
    }

    /// RFC 9110, section 9.3.2.
    @Test func aRejectedHeadRequestIsAnsweredWithoutABody() throws {
        try self.peer.send("HEAD / HTTP/1.1\r\n\r\n")
        let text = try self.peer.received()
        #expect(text.hasPrefix("HTTP/1.1 400 "))
        #expect(text.hasSuffix("\r\n\r\n"))
    }

    /// As ``Application/streamEnded(_:_:)`` promises.
    @Test func theEndOfAStreamThatTheApplicationFinishedIsNotTold() throws {
        try self.peer.send(self.first)
        let stream = try #require(self.peer.application.requests.first).stream
        stream.open(Response(status: .ok), token: StreamToken(slot: 1, generation: 1), preamble: ByteBuffer())
        _ = try self.peer.received()
        self.peer.peer.stall()
        _ = [UInt8(1)].withUnsafeBytes { stream.send($0) }
        self.peer.peer.failHeldWrites(errno: EPIPE)
        stream.finish(nil)
        self.peer.channel.embeddedEventLoop.run()
        #expect(self.peer.application.ends.isEmpty)
    }

    /// RFC 9110, section 4.2.3: an empty path is "/".
    @Test func anAbsoluteTargetWithoutAPathIsTheRoot() throws {
        try self.peer.send("GET http://host?x=1 HTTP/1.1\r\nHost: host\r\n\r\n")
        let head = try #require(self.peer.application.requests.first).head
        #expect(head.path == "/")
        #expect(head.query == "x=1")
    }

    @Test func nothingIsDroppedFromAnEmptyLog() {
        #expect(FramedLog(maximumMessages: 1, maximumBytes: 10).firstSequence(afterAppending: 1000) == 1)
    }
}
