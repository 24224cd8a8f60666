// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

@Suite struct ProxyProtocolHandlerTests {
    private let peer: EmbeddedConnection
    private let header = "PROXY TCP4 203.0.113.7 192.0.2.1 40000 443\r\n"

    init() throws {
        self.peer = try EmbeddedConnection(proxyProtocol: true)
        self.peer.application.answer = RecordingApplication.echo
    }

    @Test func theConnectionTakesThePeerOfTheHeader() throws {
        #expect(self.peer.connection.peerAddress == "192.0.2.1")
        try self.peer.send(self.header)
        #expect(self.peer.connection.peerAddress == "203.0.113.7")
        #expect(self.peer.connection.peer.port == 40_000)
        try self.peer.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("/a|"))
    }

    @Test(arguments: ProxyHeader.samples)
    func aRequestInTheSameReadIsAnswered(header: [UInt8]) throws {
        try self.peer.send(header + Array("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(try self.peer.received().hasSuffix("/a|"))
        try self.peer.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("/b|"))
    }

    @Test func aLocalConnectionKeepsItsPeer() throws {
        try self.peer.send("PROXY UNKNOWN\r\n")
        try self.peer.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("/a|"))
        #expect(self.peer.connection.peerAddress == "192.0.2.1")
    }

    @Test(arguments: ProxyHeader.samples)
    func everythingMayComeInSingleBytes(header: [UInt8]) throws {
        for byte in header { try self.peer.send([byte]) }
        try self.peer.sendInSingleBytes("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try self.peer.received().hasSuffix("/a|"))
    }

    @Test func aSecondHeaderIsNoRequest() throws {
        try self.peer.send(self.header)
        try self.peer.send(self.header)
        #expect(try self.peer.received().hasPrefix("HTTP/1.1 400 "))
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PROXY nonsense\r\n", "\0"])
    func whoeverDoesNotSayWhoItIsIsClosedWithoutAnAnswer(text: String) throws {
        try self.peer.send(text)
        #expect(self.peer.isClosed)
        #expect(try self.peer.received() == "")
        #expect(self.peer.application.planned.isEmpty)
    }
}
