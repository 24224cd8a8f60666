// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct ClientMailboxTests {
    private static func mailbox() -> HTTPResponseMailbox { HTTPResponseMailbox(eventLoop: TestClient.loop) }

    /// A byte of a read of 64 KiB must not keep the 64 KiB, nor have an entry of its own.
    @Test func piecesOfOneReadBecomeOneOfTheirOwn() async throws {
        let mailbox = Self.mailbox()
        let read = ByteBuffer(repeating: 1, count: 65_536)
        for index in 0..<2_000 {
            let piece = try #require(read.getSlice(at: index, length: 1))
            mailbox.put(.body(piece, HTTPArrival(time: 5, read: 1)))
        }
        mailbox.put(.body(ByteBuffer(repeating: 2, count: 3), HTTPArrival(time: 6, read: 2)))
        let first = try #require(try await mailbox.chunk())
        #expect(first.bytes == ByteBuffer(repeating: 1, count: 2_000))
        #expect(first.bytes.storageCapacity < 8_192)
        #expect(first.arrival == HTTPArrival(time: 5, read: 1))
        #expect(try await mailbox.chunk()?.bytes == ByteBuffer(repeating: 2, count: 3))
    }

    @Test func whatCameBeforeAFailureIsStillTaken() async throws {
        let mailbox = Self.mailbox()
        let arrival = HTTPArrival(time: 1, read: 1)
        mailbox.put(.body(ByteBuffer(string: "half"), arrival))
        mailbox.put(.end(.failed(.streamReset(.cancel, .body)), arrival))
        #expect(try await mailbox.chunk().map { String(buffer: $0.bytes) } == "half")
        await #expect(throws: HTTPClientError.streamReset(.cancel, .body)) { try await mailbox.chunk() }
        #expect(mailbox.end == .failed(.streamReset(.cancel, .body)))
    }

    @Test func everyWaitingTaskIsWoken() async throws {
        let mailbox = Self.mailbox()
        let tasks = (0..<8).map { _ in Task { try await mailbox.chunk() } }
        mailbox.put(.body(ByteBuffer(string: "one"), HTTPArrival(time: 1, read: 1)))
        mailbox.put(.end(.complete(trailers: [:]), HTTPArrival(time: 2, read: 2)))
        var taken = 0
        for task in tasks where try await task.value != nil { taken += 1 }
        #expect(taken == 1)
    }
}
