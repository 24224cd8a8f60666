// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import NIOCore
import Testing

@testable import Transport

/// A connection that is lost in the midst of the application's own calls: the application hears of it in a turn of its
/// own, and what it does with its streams until then has no effect and no harm.
@Suite struct HTTP2ConnectionLossTests {
    /// More than twice what a connection holds back, so that sending flushes, and fills what is left.
    private static func log(messages count: Int = 700) -> FramedLog {
        let log = FramedLog(maximumMessages: .max, maximumBytes: .max)
        let message = [UInt8](repeating: 0x2e, count: 1_000)
        for _ in 0..<count { message.withUnsafeBytes { log.append($0, publishedAt: 0) } }
        return log
    }

    @Test func aStreamWhoseSendingLosesTheConnectionIsBlockedAndThenEnded() throws {
        let connection = try EmbeddedHTTP2Connection()
        let streams = try connection.openStreams(2)
        let log = Self.log()
        connection.peer.breakDown(errno: ECONNRESET)
        for stream in streams {
            var position: UInt64 = 1
            #expect(stream.send(from: &position, of: log) == .blocked)
        }
        #expect(connection.application.ends.isEmpty)
        connection.run()
        #expect(connection.application.ends.map(\.token.slot) == [0, 1])
        #expect(
            connection.application.ends.map(\.cause) == [
                .tcpEndUnderOpenStreams(isReset: true), .tcpEndUnderOpenStreams(isReset: true),
            ])
        #expect(connection.application.writable.isEmpty)
    }
}
