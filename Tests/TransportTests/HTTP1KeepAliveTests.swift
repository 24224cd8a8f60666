// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// Requests one after the other on one connection.
@Suite struct HTTP1KeepAliveTests {
    private let peer: EmbeddedConnection

    init() throws { self.peer = try EmbeddedConnection() }

    private func request(_ path: String, _ fields: String = "", version: String = "1.1") -> String {
        "GET \(path) HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test func aRequestReachesTheApplicationWhole() throws {
        try self.peer.send("POST /a%20b?c=d HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nContent-Length: 4\r\n\r\nbody")
        let request = try #require(self.peer.application.requests.first)
        #expect(request.head.method == .POST)
        #expect(request.head.path == "/a%20b")
        #expect(request.head.query == "c=d")
        #expect(request.head.headers.first(name: "x-one") == "1")
        #expect(request.head.applicationProtocol == .http11)
        #expect(request.head.connection === self.peer.connection)
        #expect(request.head.requestNumber == 1)
        #expect(request.body == "body")
        #expect(self.peer.application.planned == ["/a%20b"])
    }

    @Test func aConnectionCarriesOneRequestAfterTheOther() throws {
        self.peer.application.answer = RecordingApplication.echo
        for number in 1...3 {
            try self.peer.send(self.request("/\(number)"))
            #expect(try self.peer.received() == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n/\(number)|")
            #expect(self.peer.connection.requestCount == UInt64(number))
        }
        #expect(!self.peer.isOutputEnded)
        #expect(self.peer.application.requests.map(\.head.requestNumber) == [1, 2, 3])
    }

    @Test func aRequestMayComeInSingleBytes() throws {
        self.peer.application.answer = RecordingApplication.echo
        try self.peer.sendInSingleBytes("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        try self.peer.sendInSingleBytes(self.request("/q"))
        let text = try self.peer.received()
        #expect(text.hasSuffix("\r\n\r\n/q|"))
        #expect(text.contains("\r\n\r\n/p|abcHTTP/1.1 200 OK"))
    }

    @Test(arguments: ["PUT", "PROPFIND", "PATCH", "POST"])
    func aMethodThatStartsLikeTheHTTP2PrefaceIsNoPreface(method: String) throws {
        self.peer.application.answer = RecordingApplication.echo
        try self.peer.sendInSingleBytes("\(method) /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("/1|"))
    }

    @Test func everyResponseHasADate() throws {
        self.peer.application.answer = RecordingApplication.echo
        try self.peer.channel.writeInbound(ByteBuffer(string: self.request("/")))
        let buffer = try #require(try self.peer.channel.readOutbound(as: ByteBuffer.self))
        let date = /\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/
        #expect(String(buffer: buffer).contains(date))
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() throws {
        self.peer.application.answer = RecordingApplication.echo
        try self.peer.send(self.request("/1") + self.request("/2") + self.request("/3"))
        let bodies = try self.peer.received().split(separator: "Content-Length: 3\r\n\r\n").map { $0.prefix(3) }
        #expect(bodies.dropFirst() == ["/1|", "/2|", "/3|"])
    }

    @Test func pipelinedRequestsWaitBehindAPendingAnswer() throws {
        let post = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy"
        try self.peer.send(self.request("/1") + post + self.request("/3"))
        for (number, body) in [(1, ""), (2, "xy"), (3, "")] {
            #expect(self.peer.application.requests.count == number)
            let request = try #require(self.peer.application.requests.last)
            #expect(request.head.path == "/\(number)")
            #expect(request.body == body)
            #expect(try self.peer.received() == "")
            RecordingApplication.echo(request)
            #expect(try self.peer.received().hasSuffix("\r\n\r\n/\(number)|\(body)"))
        }
        #expect(!self.peer.isOutputEnded)
    }

    @Test func aPipelinedRequestMayArriveInPiecesWhileAnAnswerIsPending() throws {
        try self.peer.send(self.request("/1") + "GET /2 HT")
        try self.peer.send("TP/1.1\r\nHost: a\r\n")
        try self.peer.send("\r\n")
        #expect(self.peer.application.requests.map(\.head.path) == ["/1"])
        self.peer.application.answer = RecordingApplication.echo
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        let text = try self.peer.received()
        #expect(text.contains("/1|"))
        #expect(text.hasSuffix("/2|"))
    }

    /// Found by the fuzzer: the head waited behind the answer, and the refusal of its body was forgotten.
    @Test func aBadBodyOfAPipelinedRequestIsRefusedInItsTurn() throws {
        let post = "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5Bx\r\n"
        try self.peer.send(self.request("/1") + post)
        #expect(try self.peer.received() == "")
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        let text = try self.peer.received()
        #expect(text.contains("/1|HTTP/1.1 400 "))
        #expect(self.peer.isOutputEnded)
        #expect(self.peer.application.requests.count == 1)
    }

    @Test func readingStopsWhileAPipelinedRequestWaits() throws {
        try self.peer.send(self.request("/1"))
        #expect(self.peer.autoRead != false)
        try self.peer.send(self.request("/2"))
        #expect(self.peer.autoRead == false)
        self.peer.application.answer = RecordingApplication.echo
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        #expect(self.peer.autoRead == true)
    }

    @Test func connectionCloseIsTheLastRequest() throws {
        self.peer.application.answer = RecordingApplication.echo
        try self.peer.send(self.request("/1", "Connection: close\r\n") + self.request("/2"))
        #expect(try self.peer.received() == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n/1|")
        #expect(self.peer.isOutputEnded)
        #expect(self.peer.application.requests.count == 1)
    }

    @Test func http10ClosesUnlessAskedToStay() throws {
        self.peer.application.answer = RecordingApplication.echo
        try self.peer.send(self.request("/1", "Connection: keep-alive\r\n", version: "1.0"))
        #expect(!self.peer.isOutputEnded)
        try self.peer.send(self.request("/2", version: "1.0"))
        #expect(try self.peer.received().contains("Connection: close"))
        #expect(self.peer.isOutputEnded)
        #expect(self.peer.connection.applicationProtocol == .http10)
    }

    @Test func theApplicationMayCloseAfterItsResponse() throws {
        self.peer.application.answer = {
            var response = Response(status: .serviceUnavailable)
            response.closesConnection = true
            $0.stream.respond(response)
        }
        try self.peer.send(self.request("/1"))
        let expected = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        #expect(try self.peer.received() == expected)
        #expect(self.peer.isOutputEnded)
    }

    @Test func aSecondAnswerIsDropped() throws {
        try self.peer.send(self.request("/1", "Connection: close\r\n"))
        let request = try #require(self.peer.application.requests.first)
        RecordingApplication.echo(request)
        _ = try self.peer.received()
        RecordingApplication.echo(request)
        #expect(try self.peer.received() == "")
    }

    @Test func drainingLetsAnAnswerOutAndCloses() throws {
        try self.peer.send(self.request("/1"))
        self.peer.server.closeIdleConnections(of: "test")
        #expect(!self.peer.isClosed)
        RecordingApplication.echo(try #require(self.peer.application.requests.first))
        #expect(try self.peer.received().contains("Connection: close"))
        #expect(self.peer.isOutputEnded)
    }

    @Test func drainingClosesAnIdleConnection() throws {
        self.peer.application.answer = RecordingApplication.echo
        try self.peer.send(self.request("/1"))
        self.peer.server.closeIdleConnections(of: "other")
        #expect(!self.peer.isClosed)
        self.peer.server.closeIdleConnections(of: "test")
        #expect(self.peer.isClosed)
        #expect(self.peer.server.connectionCount == 0)
    }

    @Test func drainingAnswersTheFirstRequestOfAFreshConnection() throws {
        self.peer.application.answer = RecordingApplication.echo
        self.peer.server.closeIdleConnections(of: "test")
        #expect(!self.peer.isClosed)
        try self.peer.send(self.request("/1"))
        #expect(try self.peer.received().hasSuffix("Connection: close\r\n\r\n/1|"))
    }
}
