// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import NIOCore
import Testing

@testable import Transport

/// Peer, socket and application in any order that the seeds come to: whatever meets, nothing crashes, and the stream
/// ends once.
@Suite struct HTTP1ConnectionModelTests {
    @Test(arguments: 0..<600 as Range<UInt64>)
    func theStreamEndsOnce(seed: UInt64) throws {
        var limits = ServerLimits()
        limits.maximumDiscardedBytes = 200
        limits.maximumBurstBytes = 2_000
        let script = try Script(limits: limits, seed: seed)
        for _ in 0..<60 { try script.step() }
        script.connection.sendEnd()
        script.connection.sweep(at: .max)
        #expect(script.connection.isClosed)
        #expect(script.connection.connection.activeStreams == 0)
        script.application.expectEachToHaveEndedOnce(script.connection.application.ends)
    }
}

/// What happens, drawn by lot.
private final class Script {
    let connection: EmbeddedConnection
    let application: ModelApplication
    private var waiting: [ServerStream] = []
    private var now = Clock.monotonic()

    init(limits: ServerLimits, seed: UInt64) throws {
        self.connection = try EmbeddedConnection(limits: limits)
        self.application = ModelApplication(seed: seed)
        self.connection.application.answer = { [unowned self] in self.answer($0.stream) }
    }

    func step() throws {
        switch self.draw(20) {
        case 0...2: try self.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        case 3: try self.send("GET /a HTTP/1.0\r\n\r\n")
        case 4: try self.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
        case 5: try self.send("56789")
        case 6: try self.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        case 7 where self.draw(4) == 0: try self.send(String(repeating: "x", count: 100))
        case 8: self.connection.peer.stall()
        case 9: self.connection.peer.resume()
        case 10 where self.draw(10) == 0: self.connection.peer.breakDown(errno: self.draw(2) == 0 ? EPIPE : ETIMEDOUT)
        case 11 where self.draw(10) == 0: self.connection.peer.failHeldWrites(errno: ECONNRESET)
        case 12 where self.draw(10) == 0: self.connection.sendEnd()
        case 13 where self.draw(10) == 0: self.connection.fail(errno: ECONNRESET)
        case 14:
            self.now += Int64(self.draw(4_000)) * 1_000_000
            self.connection.sweep(at: self.now)
        case 15: if let stream = self.waiting.popLast() { self.answer(stream) }
        default: self.application.deliver(includingOver: false)
        }
        if self.draw(3) == 0 { _ = try self.connection.received() }
    }

    private func send(_ text: String) throws {
        guard !self.connection.isClosed else { return }
        try self.connection.send(text)
    }

    private func answer(_ stream: ServerStream) {
        switch self.draw(6) {
        case 0...1: stream.respond(Response(status: .ok, body: ByteBuffer(repeating: 0x2e, count: 2_000)))
        case 2: self.waiting.append(stream)
        default:
            guard stream.awaitsResponse else { return }
            self.application.open(stream)
        }
    }

    private func draw(_ count: Int) -> Int { self.application.draw(count) }
}
