// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Testing

@testable import Transport

/// Responses to HEAD, bodies and their limits, expectations, and requests that are refused.
@Suite struct HTTP1AnswerTests {
    private let peer: EmbeddedConnection

    init() throws {
        self.peer = try EmbeddedConnection()
        self.peer.application.answer = RecordingApplication.echo
    }

    private func post(_ path: String, _ fields: String = "", body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func headTellsTheLengthWithoutTheBody() throws {
        try self.peer.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received() == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        try self.peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("\r\n\r\n/x|"))
    }

    @Test func headOfAStreamTellsNoLength() throws {
        self.peer.application.answer = {
            $0.stream.respond(Response(status: .ok, headers: ["Content-Type": "text/event-stream"]))
        }
        try self.peer.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received() == "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    }

    @Test(arguments: [HTTPResponseStatus.noContent, .notModified])
    func aStatusWithoutContentHasNoLength(status: HTTPResponseStatus) throws {
        self.peer.application.answer = { $0.stream.respond(Response(status: status)) }
        try self.peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received() == "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n\r\n")
        #expect(!self.peer.isOutputEnded)
    }

    @Test func aChunkedBodyIsPutTogether() throws {
        try self.peer.send("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        #expect(self.peer.application.requests.isEmpty)
        try self.peer.send("2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("/c|abcde"))
        #expect(!self.peer.isOutputEnded)
    }

    @Test func aBodyOfExactlyTheLimitIsTaken() throws {
        try self.peer.send(self.post("/b", body: String(repeating: "x", count: 64)))
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 200 OK"))
    }

    @Test func aLengthBeyondTheLimitIsRefusedBeforeTheBodyComes() throws {
        try self.peer.send("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 65\r\n\r\n")
        let text = try self.peer.received()
        #expect(text.hasPrefix("HTTP/1.1 413 "))
        #expect(text.contains("Connection: close"))
        #expect(text.contains("Send a body of at most 64 bytes."))
        #expect(self.peer.isOutputEnded)
        #expect(self.peer.application.requests.isEmpty)
    }

    @Test func aChunkedBodyBeyondTheLimitIsRefusedOnceItIs() throws {
        try self.peer.send("POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        try self.peer.send("40\r\n\(String(repeating: "x", count: 64))\r\n")
        #expect(try self.peer.received() == "")
        try self.peer.send("1\r\nx\r\n0\r\n\r\n")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 413 "))
        #expect(self.peer.isOutputEnded)
        #expect(self.peer.application.requests.isEmpty)
    }

    @Test func aBodyInTheSameReadAsItsRefusedHeadIsDropped() throws {
        try self.peer.send(self.post("/b", body: String(repeating: "x", count: 4000)))
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 413 "))
        try self.peer.send("more")
        #expect(try self.peer.received() == "")
        #expect(!self.peer.isClosed)
    }

    @Test func aBodyInTheSameReadAsAnInvalidHeadIsDropped() throws {
        try self.peer.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 400 "))
        #expect(self.peer.isOutputEnded)
        #expect(self.peer.application.planned.isEmpty)
    }

    @Test func aRefusalWithoutABodyKeepsTheConnection() throws {
        self.peer.application.plans["/no"] = .refuse(Response(status: .forbidden))
        try self.peer.send("GET /no HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received() == "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        try self.peer.send("GET /yes HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("/yes|"))
    }

    @Test(arguments: ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
    func aRefusalOfARequestWithABodyClosesWithoutReadingIt(rest: String) throws {
        self.peer.application.plans["/no"] = .refuse(Response(status: .unauthorized))
        try self.peer.send("POST /no HTTP/1.1\r\nHost: a\r\n\(rest)")
        let expected = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        #expect(try self.peer.received() == expected)
        #expect(self.peer.isOutputEnded)
        try self.peer.send("GET /yes HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received() == "")
        #expect(self.peer.application.requests.isEmpty)
    }

    @Test func anExpectationIsMetBeforeTheBodyComes() throws {
        try self.peer.send("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try self.peer.received() == "HTTP/1.1 100 Continue\r\n\r\n")
        try self.peer.send("ok")
        #expect(try self.peer.received().hasSuffix("/e|ok"))
    }

    @Test func noContinueIsSentForARefusedRequest() throws {
        self.peer.application.plans["/no"] = .refuse(Response(status: .unauthorized))
        try self.peer.send("POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 401 "))
        #expect(self.peer.isOutputEnded)
    }

    @Test func noContinueIsSentForABodyThatIsTooLarge() throws {
        try self.peer.send("POST /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999\r\n\r\n")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 413 "))
    }

    @Test func noContinueIsSentWithoutABodyOrToHTTP10() throws {
        try self.peer.send("GET /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 200 "))
        try self.peer.send("POST /2 HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 200 "))
    }

    @Test func anotherExpectationFails() throws {
        try self.peer.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: a-pony\r\n\r\n")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 417 "))
        #expect(self.peer.isOutputEnded)
    }

    @Test(arguments: [
        ("\u{16}\u{3}\u{1}\u{2}", 400), ("GARBAGE\r\n\r\n", 400), ("GET / HTTP/9.9\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
    ])
    func whatIsNoRequestIsAnsweredAndEndsTheConnection(text: String, status: Int) throws {
        try self.peer.send(text)
        let answer = try self.peer.received()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("Connection: close\r\n"))
        #expect(self.peer.isOutputEnded)
        try self.peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received() == "")
    }

    @Test func aHeadBeyondTheLimitIs431() throws {
        try self.peer.send("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n")
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 431 "))
        #expect(self.peer.isOutputEnded)
    }
}
