// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import Glibc
import NIOCore
import NIOEmbedded
import Testing

@testable import Transport

/// Writes past the pipeline: what goes straight to the socket and what goes through the channel are one sequence of
/// records, whose order TLS itself proves. Without one record, or with two in another order, nothing is decrypted.
@Suite struct TLSGateTests {
    private let pair: TLSPair
    private let socket: SocketPair
    /// Below the server's TLS: the channel's way to the socket.
    private let channel = RecordingSocket()

    init() throws {
        self.pair = try TLSPair()
        self.socket = try SocketPair()
        try self.pair.server.channel.pipeline.syncOperations.addHandler(self.channel, position: .first)
        try self.pair.connectAndShakeHands()
        let handler = self.pair.server.handler
        handler.socket = DirectSocket(self.pair.server.channel, descriptor: self.socket.near)
        handler.openGate()
    }

    private var server: TLSHandler { self.pair.server.handler }

    private func write(_ bytes: some Collection<UInt8>) -> WriteOutcome? {
        Array(bytes).withUnsafeBytes { self.server.connection.writeThroughGate($0) }
    }

    private func write(_ text: String) -> WriteOutcome? { self.write(text.utf8) }

    /// What the client reads of the socket's bytes and, behind them, of the channel's.
    private func arrived() throws -> ByteBuffer {
        for bytes in [self.socket.read(), try self.pair.server.output()] where bytes.readableBytes > 0 {
            self.pair.client.channel.pipeline.fireChannelRead(bytes)
        }
        #expect(self.pair.client.recorder.errors == [])
        defer { self.pair.client.recorder.received = ByteBuffer() }
        return self.pair.client.recorder.received
    }

    /// Bytes that no two places share.
    private static func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }

    /// Writes until the socket is full; returns what was encrypted. The gate is shut then.
    private func fill() -> [UInt8] {
        var taken: [UInt8] = []
        while true {
            let message = Self.text(10_000 + taken.count % 7)
            guard case .buffered(let count)? = self.write(message) else {
                taken += message
                continue
            }
            return taken + message.prefix(count)
        }
    }

    @Test func anEventGoesStraightToTheSocket() throws {
        #expect(self.write("one") == .wrote(3))
        #expect(self.write("two") == .wrote(3))
        #expect(try self.pair.server.output().readableBytes == 0)
        #expect(String(buffer: try self.arrived()) == "onetwo")
    }

    @Test func aLongRunIsSeveralRecords() throws {
        let run = Self.text(100_000)
        #expect(self.write(run) == .wrote(run.count))
        #expect(try self.arrived() == ByteBuffer(bytes: run))
    }

    @Test func writesThroughThePipelineAndPastItKeepTheirOrder() throws {
        for number in 0..<10 {
            #expect(self.write("<\(number)") == .wrote(2))
            #expect(try String(buffer: self.arrived()) == "<\(number)")
            self.pair.server.send("\(number)>")
            #expect(try String(buffer: self.arrived()) == "\(number)>")
        }
    }

    @Test func whatTheSocketDoesNotTakeGoesThroughTheChannelAndNothingPassesIt() throws {
        var sent = self.fill()
        #expect(self.write("refused") == nil)
        #expect(self.server.writeDirectly(UnsafeRawBufferPointer(start: nil, count: 0)) == .wrote(0))
        // What a connection does then: an empty write takes along what waits.
        self.channel.stall()
        let flushed = self.pair.server.channel.writeAndFlush(ByteBuffer())
        self.pair.server.send("behind")
        sent += "behind".utf8
        #expect(self.write("refused") == nil)
        self.channel.resume()
        try flushed.wait()
        #expect(try self.arrived() == ByteBuffer(bytes: sent))
        #expect(self.write("straight again") == .wrote(14))
        #expect(String(buffer: try self.arrived()) == "straight again")
    }

    @Test func aRunStopsAtTheRecordThatTheSocketDidNotTake() throws {
        let run = Self.text(4 << 20)
        guard case .buffered(let count)? = self.write(run) else { return #expect(Bool(false), "the socket took all") }
        #expect(count < run.count)
        #expect(count % TLSConnection.recordLimit == 0)
        self.pair.server.channel.writeAndFlush(ByteBuffer(bytes: run[count...]), promise: nil)
        #expect(try self.arrived() == ByteBuffer(bytes: run))
    }

    @Test func aKeyUpdateIsAnsweredBetweenEvents() throws {
        let client = self.pair.client.handler.connection
        for round in 0..<3 {
            #expect(self.write("before \(round)") != nil)
            #expect(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
            #expect(SSL_do_handshake(client.ssl) == 1)
            self.pair.server.channel.pipeline.fireChannelRead(client.takeOutput())
            #expect(self.write(" after") == .wrote(6))
            #expect(String(buffer: try self.arrived()) == "before \(round) after")
        }
        #expect(self.pair.server.recorder.errors == [])
    }

    @Test func aKeyUpdateAnsweredIntoAFullSocketWaitsInLine() throws {
        var sent = self.fill()
        let client = self.pair.client.handler.connection
        #expect(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
        #expect(SSL_do_handshake(client.ssl) == 1)
        self.pair.server.channel.pipeline.fireChannelRead(client.takeOutput())
        self.pair.server.send("behind")
        sent += "behind".utf8
        #expect(try self.arrived() == ByteBuffer(bytes: sent))
        #expect(self.write("x") == .wrote(1))
        #expect(String(buffer: try self.arrived()) == "x")
    }

    @Test(arguments: ["close", "output", "close_notify", "alert", "reset"])
    func theGateIsShutFromTheEndOn(end: String) throws {
        #expect(self.write("last") == .wrote(4))
        switch end {
        case "close": self.pair.server.channel.close(promise: nil)
        case "output": self.pair.server.channel.close(mode: .output, promise: nil)
        case "close_notify":
            self.pair.client.channel.close(promise: nil)
            self.pair.server.channel.pipeline.fireChannelRead(try self.pair.client.output())
        case "alert": self.pair.server.channel.pipeline.fireChannelRead(ByteBuffer(repeating: 0x17, count: 50))
        default: self.pair.server.channel.pipeline.fireChannelInactive()
        }
        #expect(self.write("too late") == nil)
        // Nor does a write that finishes late open it.
        self.server.openGateIfClear()
        #expect(self.write("too late") == nil)
        self.server.openGate()
        #expect(self.write("too late") == nil)
        self.pair.loop.run()
        if end == "close" || end == "output" {
            #expect(String(buffer: try self.arrived()) == "last")
            #expect(self.pair.client.recorder.ends == [.closeNotify])
        }
    }

    @Test func aBrokenSocketIsToldAndShutsTheGate() {
        self.socket.closeFar()
        #expect(self.write("one") == .failed(errno: EPIPE))
        #expect(self.write("two") == nil)
        #expect(Array("two".utf8).withUnsafeBytes { self.server.writeDirectly($0) } == .failed(errno: EPIPE))
        self.server.openGate()
        #expect(self.write("three") == nil)
    }
}

/// Two connected sockets that never block.
private final class SocketPair {
    let near: CInt
    private var far: CInt

    init() throws {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw IOError(errnoCode: errno, reason: "socketpair") }
        (self.near, self.far) = (ends[0], ends[1])
    }

    deinit {
        close(self.near)
        self.closeFar()
    }

    func closeFar() {
        if self.far >= 0 { close(self.far) }
        self.far = -1
    }

    /// All that was written so far.
    func read() -> ByteBuffer {
        var all = ByteBuffer()
        while self.far >= 0 {
            let count = all.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) { space in
                max(0, recv(self.far, space.baseAddress, space.count, 0))
            }
            if count == 0 { break }
        }
        return all
    }
}
