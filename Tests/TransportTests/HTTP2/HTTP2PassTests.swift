// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// What a pass over many streams rests on: a message is taken whole in one frame, or nothing at all happens and the
/// longer way begins where the short one was refused.
@Suite struct HTTP2PassTests {
    private func appendAtOnce(_ peer: TestPeer, _ slot: StreamSlot, count: Int) -> Bool {
        [UInt8](repeating: 0x2e, count: count).withUnsafeBytes { bytes in
            peer.ask { $0.appendAtOnce(slot, bytes) }
        }
    }

    @Test func aMessageThatFitsIsOneFrameAndUsesUpBothWindows() {
        let peer = TestPeer()
        guard let slot = peer.open(1) else { return #expect(Bool(false), "no stream") }
        #expect(self.appendAtOnce(peer, slot, count: 300))
        #expect(peer.ask { $0.connectionWindow } == 65_535 - 300)
        #expect(peer.ask { $0.streamWindow(of: slot) } == 65_535 - 300)
        #expect(peer.counters.dataFrames == 1)
        peer.flush()
        #expect(peer.dataFrames.map(\.payload.count) == [300])
        #expect(peer.dataFrames.map(\.stream) == [1])
    }

    @Test(
        arguments: [
            ("the stream's window", [(4, 299)], 300),
            ("the connection's window", [(4, 1_000_000), (5, 100_000)], 65_536),
            ("the peer's largest frame", [(4, 1_000_000)], 16_385),
            ("nothing to send", [], 0),
        ] as [(String, [(UInt16, UInt32)], Int)])
    func whatDoesNotFitChangesNothing(obstacle: String, settings: [(UInt16, UInt32)], count: Int) {
        let peer = TestPeer()
        peer.send(.settings(settings))
        guard let slot = peer.open(1) else { return #expect(Bool(false), "no stream") }
        let windows = peer.ask { ($0.connectionWindow, $0.streamWindow(of: slot)) }
        #expect(!self.appendAtOnce(peer, slot, count: count), "\(obstacle)")
        #expect(peer.ask { ($0.connectionWindow, $0.streamWindow(of: slot)) } == windows)
        #expect(peer.counters.dataFrames == 0)
        #expect(peer.turns().isEmpty)
        peer.flush()
        #expect(peer.dataFrames.isEmpty)
    }

    @Test func noStreamOvertakesThoseThatWait() {
        let peer = TestPeer()
        peer.send(.settings([(4, 100_000)]))
        guard let first = peer.open(1), let second = peer.open(3) else { return #expect(Bool(false), "no streams") }
        #expect(peer.append(first, count: 65_000) == .accepted)
        #expect(peer.append(first, count: 1_000) == .partial(535))
        peer.send(.windowUpdate(0, 10_000))
        #expect(!self.appendAtOnce(peer, second, count: 10))
        #expect(peer.turns() == [first])
    }

    @Test func aSlotOfAnotherLifeIsRefused() {
        let peer = TestPeer()
        guard let slot = peer.open(1) else { return #expect(Bool(false), "no stream") }
        peer.send(.reset(1))
        #expect(!self.appendAtOnce(peer, slot, count: 10))
        guard let next = peer.open(3) else { return #expect(Bool(false), "no stream") }
        #expect(next.index == slot.index)
        #expect(!self.appendAtOnce(peer, slot, count: 10))
        #expect(self.appendAtOnce(peer, next, count: 10))
    }

    @Test func nothingIsSentBeforeTheResponseHasBegun() {
        let peer = TestPeer()
        peer.send(.headers(1, block(get)))
        guard case .request(let slot, _, _)? = peer.events.last else { return #expect(Bool(false), "no request") }
        #expect(!self.appendAtOnce(peer, slot, count: 10))
        peer.flush()
        #expect(peer.dataFrames.isEmpty)
    }
}
