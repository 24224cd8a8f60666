// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import NIOCore
import Testing

@testable import Transport

/// Peer, socket and application in any order that the seeds come to: whatever meets, nothing crashes, and each stream
/// ends once.
@Suite struct HTTP2ConnectionModelTests {
    @Test(arguments: 0..<400 as Range<UInt64>)
    func everyStreamEndsOnce(seed: UInt64) throws {
        var limits = ServerLimits()
        limits.http2.maxBufferedBytes = 4_096
        limits.http2.maxConcurrentStreams = 6
        limits.bodyTimeout = .nanoseconds(seconds: 3)
        let script = try Script(limits: limits, seed: seed)
        for _ in 0..<150 { try script.step() }
        script.connection.sendEnd()
        script.connection.run()
        #expect(script.connection.activeStreams == 0)
        script.application.expectEachToHaveEndedOnce(script.connection.application.ends)
    }
}

/// What happens, drawn by lot.
private final class Script {
    let connection: EmbeddedHTTP2Connection
    let application: ModelApplication
    private var lastStream: UInt32 = 1
    private var now = Clock.monotonic()

    init(limits: ServerLimits, seed: UInt64) throws {
        self.connection = try EmbeddedHTTP2Connection(limits: limits)
        self.application = ModelApplication(seed: seed)
        self.connection.application.answer = { [unowned self] in self.answer($0) }
    }

    func step() throws {
        switch self.draw(20) {
        case 0...3: self.lastStream = try self.connection.request()
        case 4: self.lastStream = try self.connection.request(post, end: false)
        case 5: try self.connection.send(.data(self.someStream, [1, 2, 3], end: self.draw(2) == 0))
        case 6: try self.connection.send(.reset(self.someStream))
        case 7: try self.connection.send(.windowUpdate(self.someStream, UInt32(1 + self.draw(2_000))))
        case 8: try self.connection.send(.settings([(4, UInt32(self.draw(3) * 1_000))]))
        case 9 where self.draw(8) == 0: try self.connection.send(.goAway(Code.noError))
        case 10 where self.draw(8) == 0: try self.connection.send(.windowUpdate(0, 0x7fff_ffff))
        case 11: self.connection.peer.stall()
        case 12: self.connection.peer.resume()
        case 13 where self.draw(10) == 0: self.connection.peer.breakDown(errno: self.draw(2) == 0 ? EPIPE : ETIMEDOUT)
        case 14 where self.draw(10) == 0: self.connection.peer.failHeldWrites(errno: ECONNRESET)
        case 15: self.sweep()
        case 16: self.connection.run()
        default: self.deliver()
        }
        if self.draw(3) == 0 { self.connection.run() }
    }

    private func answer(_ request: RecordingApplication.Request) {
        switch self.draw(6) {
        case 0: request.stream.respond(Response(status: .ok, body: ByteBuffer(repeating: 0x2e, count: 2_000)))
        case 1: break
        default:
            self.application.open(request.stream)
        }
    }

    private func deliver() {
        self.application.deliver(includingOver: true)
        self.application.forgetSome()
    }

    private func sweep() {
        self.now += Int64(self.draw(2_000)) * 1_000_000
        self.connection.sweep(at: self.now)
    }

    private var someStream: UInt32 { UInt32(max(1, Int(self.lastStream) - 2 * self.draw(4))) }

    private func draw(_ count: Int) -> Int { self.application.draw(count) }
}
