// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct ConnectionAdmissionTests {
    @Test func connectionsBeyondTheLimitAreCountedAndRefused() {
        let admission = ConnectionAdmission()
        #expect(admission.enter(limit: 2))
        #expect(admission.enter(limit: 2))
        #expect(!admission.enter(limit: 2))
        #expect(admission.activeConnections == 3)
        #expect(admission.acceptedConnections == 3)
        #expect(admission.refusedConnections == 1)
    }

    @Test func aConnectionThatLeavesMakesRoom() {
        let admission = ConnectionAdmission()
        #expect(admission.enter(limit: 1))
        #expect(!admission.enter(limit: 1))
        admission.leave()
        #expect(!admission.enter(limit: 1), "the refused one still lives")
        admission.leave()
        admission.leave()
        #expect(admission.activeConnections == 0)
        #expect(admission.enter(limit: 1))
        #expect(admission.acceptedConnections == 4)
    }

    @Test func manyThreadsCountExactly() async {
        let admission = ConnectionAdmission()
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask { for _ in 0..<1000 where admission.enter(limit: .max) { admission.leave() } }
            }
        }
        #expect(admission.activeConnections == 0)
        #expect(admission.acceptedConnections == 8000)
        #expect(admission.refusedConnections == 0)
    }

    @Test func connectionNumbersAreNeverReused() {
        let ids = (0..<1000).map { _ in ConnectionID.next() }
        #expect(Set(ids).count == 1000)
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0.rawValue < $1.rawValue })
    }

    @Test func thePeakOfStreamsIsKept() throws {
        let peer = try SocketAddress(unixDomainSocketPath: "/run/x")
        let connection = Connection(id: .next(), listener: "test", peer: peer, acceptedAt: 0)
        for count in [1, 3, 2, 0] { connection.activeStreams = count }
        #expect(connection.activeStreams == 0)
        #expect(connection.peakStreams == 3)
        #expect(connection.peerAddress == "unix")
    }
}
