// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Streams against sockets")
struct MuxSideTests {
    @Test func streamsOfOneConnectionAreCountedTogether() throws {
        let side = try #require(MuxSide([("7", 2), ("7", 1), ("9", 1), ("7", 3)]))
        #expect(side.streams == 4)
        #expect(side.sockets == 2)
        #expect(side.ratio == 2)
        #expect(
            side.evidence == [
                .init(id: "7", streams: 3, requests: [1, 2, 3]), .init(id: "9", streams: 1, requests: [1]),
            ])
    }

    @Test func evidenceIsBoundedAndCountsAreNot() throws {
        let side = try #require(MuxSide((0..<5_000).map { (id: "\($0 % 100)", request: $0) }))
        #expect(side.streams == 5_000)
        #expect(side.sockets == 100)
        #expect(side.evidence.count == MuxSide.socketLimit)
        #expect(side.evidence.allSatisfy { $0.streams == 50 && $0.requests.count == MuxSide.requestLimit })
    }

    @Test func withoutAnyStreamThereIsNoRatio() {
        #expect(MuxSide([]) == nil)
    }
}
