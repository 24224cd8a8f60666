// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// Many streams, one output: bounds, turns and fairness of the path that delivers events.
@Suite struct HTTP2DeliveryTests {
    /// A peer with wide windows, an output of 4,096 bytes and that many open streams.
    private func audience(_ count: Int) -> (TestPeer, [StreamSlot]) {
        let peer = TestPeer { $0.maxBufferedBytes = 4_096 }
        peer.send(.settings([(4, 10_000_000)]), .windowUpdate(0, 1_000_000_000))
        return (peer, (0..<count).compactMap { peer.open(UInt32(1 + 2 * $0)) })
    }

    @Test func aStreamRecordIsOneCacheLine() {
        #expect(MemoryLayout<HTTP2Stream>.size == 64)
    }

    @Test func theOutputAgreesWithAnArray() {
        var generator = SeededGenerator(seed: 3)
        var output = HTTP2Output()
        var model: [UInt8] = []
        for step in 0..<3_000 as Range<UInt32> {
            let count = Int.random(in: 0...900, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                let frame = Frame.data(step, [UInt8](repeating: UInt8(step & 0xff), count: count), end: true)
                frame.payload.withUnsafeBytes { output.append(.data, .endStream, step, payload: $0) }
                model += frame.bytes
            case 1:
                output.appendReset(step, .cancel)
                model += Frame.reset(step).bytes
            case 2:
                output.consume(count)
                model.removeFirst(min(count, model.count))
            default:
                output.releaseIfEmpty()
            }
            let same = output.bytes.elementsEqual(model)
            #expect(same, "step \(step)")
        }
    }

    @Test func outputIsBoundedAndTheRestWaitsInItsOrder() {
        let (peer, slots) = audience(10)
        let outcomes = slots.map { peer.append($0, count: 1_000) }
        #expect(outcomes == [.accepted, .accepted, .accepted, .accepted] + Array(repeating: .bufferFull, count: 6))
        #expect(peer.ask { $0.pendingOutputBytes } == 4 * 1_009)
        #expect(peer.turns().isEmpty)
        peer.flush()
        #expect(peer.turns() == Array(slots[4...]))
    }

    @Test func nobodyOvertakesTheStreamsThatWait() {
        let (peer, slots) = audience(3)
        #expect(peer.append(slots[0], count: 4_000) == .accepted)
        #expect(peer.append(slots[1], count: 4_000) == .bufferFull)
        // It would fit, but the other was first.
        #expect(peer.append(slots[2], count: 1) == .bufferFull)
        peer.flush()
        #expect(peer.append(slots[2], count: 1) == .bufferFull)
        #expect(peer.ask { $0.nextWritable() } == slots[1])
        #expect(peer.append(slots[1], count: 4_000) == .accepted)
        #expect(peer.ask { $0.nextWritable() } == slots[2])
        #expect(peer.append(slots[2], count: 1) == .accepted)
        #expect(peer.ask { $0.nextWritable() } == nil)
        #expect(peer.append(slots[0], count: 1) == .accepted)
    }

    @Test func aRefusedTurnIsKeptUntilOutputHasLeft() {
        let (peer, slots) = audience(4)
        for slot in slots { _ = peer.append(slot, count: 3_000) }
        peer.flush()
        #expect(peer.ask { $0.nextWritable() } == slots[1])
        #expect(peer.append(slots[1], count: 3_000) == .accepted)
        #expect(peer.ask { $0.nextWritable() } == slots[2])
        #expect(peer.append(slots[2], count: 3_000) == .bufferFull)
        #expect(peer.ask { $0.nextWritable() } == nil)
        peer.flush()
        // Still before the one that came after it.
        #expect(peer.turns() == [slots[2], slots[3]])
    }

    @Test func aTurnIsNotInherited() {
        let (peer, slots) = audience(3)
        for slot in slots { _ = peer.append(slot, count: 3_000) }
        peer.flush()
        #expect(peer.ask { $0.nextWritable() } == slots[1])
        peer.session.reset(slots[1], .cancel)
        guard let heir = peer.open(7) else { return }
        #expect(heir.index == slots[1].index)
        #expect(peer.append(heir, count: 1) == .bufferFull)
        #expect(peer.turns() == [slots[2], heir])
    }

    @Test func everyStreamGetsEverythingInTheEnd() {
        let (peer, slots) = audience(50)
        var missing = [Int](repeating: 20, count: slots.count)
        /// Sends what is missing, one message of 100 bytes after the other, until the session says stop.
        func deliver(_ slot: StreamSlot) {
            let stream = Int(slot.index)
            while missing[stream] > 0, peer.append(slot, count: 100) == .accepted { missing[stream] -= 1 }
        }
        for slot in slots { deliver(slot) }
        var rounds = 0
        while missing.contains(where: { $0 > 0 }), rounds < 1_000 {
            rounds += 1
            peer.flush()
            while let slot = peer.ask({ $0.nextWritable() }) { deliver(slot) }
        }
        peer.flush()
        #expect(missing.allSatisfy { $0 == 0 })
        for stream in 0..<50 {
            #expect(peer.dataFrames.filter { $0.stream == UInt32(1 + 2 * stream) }.count == 20)
        }
    }

    @Test func aMessageLargerThanTheWholeOutputIsCut() {
        let (peer, slots) = audience(2)
        guard case .partial(let first) = peer.append(slots[0], count: 10_000) else {
            Issue.record("not cut")
            return
        }
        #expect(first > 2_048 && first < 4_096)
        peer.flush()
        #expect(peer.turns() == [slots[0]])
    }

    @Test func aStreamWithoutWindowDoesNotHoldUpTheOthers() {
        let peer = TestPeer()
        peer.send(.settings([(4, 10)]))
        guard let slow = peer.open(1), let fast = peer.open(3) else { return }
        peer.send(.windowUpdate(3, 10_000))
        #expect(peer.append(slow, count: 20) == .partial(10))
        for _ in 0..<10 {
            #expect(peer.append(fast, count: 20) == .accepted)
            #expect(peer.append(slow, count: 10) == .noStreamWindow)
        }
        #expect(peer.ask { $0.stalls(of: slow).count } == 1)
        #expect(peer.turns().isEmpty)
    }

    @Test func streamsThatEndWhileTheyWaitLeaveTheLine() {
        let (peer, slots) = audience(5)
        for slot in slots { _ = peer.append(slot, count: 4_000) }
        peer.session.reset(slots[2], .cancel)
        peer.session.finish(slots[4])
        peer.send(.reset(3))
        peer.flush()
        #expect(peer.turns() == [slots[3]])
    }

    @Test func whatIsTakenCountsUntilItIsFlushed() {
        let (peer, slots) = audience(2)
        #expect(peer.append(slots[0], count: 4_000) == .accepted)
        let taken = peer.ask { $0.takeOutput() }
        #expect(taken.readableBytes == 4_009)
        #expect(peer.append(slots[1], count: 4_000) == .bufferFull)
        peer.session.outputFlushed(taken.readableBytes)
        #expect(peer.turns() == [slots[1]])
    }

    @Test func aShortWriteKeepsTheRest() {
        let (peer, slots) = audience(1)
        #expect(peer.append(slots[0], [1, 2, 3]) == .accepted)
        let all = peer.ask { $0.withOutput { Array($0) } }
        peer.session.outputWritten(10)
        #expect(peer.ask { $0.withOutput { Array($0) } } == Array(all[10...]))
        peer.session.outputWritten(2)
        #expect(!peer.ask { $0.hasOutput })
        peer.session.releaseIdleMemory()
        #expect(peer.append(slots[0], [4]) == .accepted)
    }

    @Test func writableBytesIsWhatAppendTakes() {
        for (streamWindow, connection) in [(100, 5_000), (5_000, 100), (50_000, 50_000), (0, 10)] {
            let peer = TestPeer { $0.maxBufferedBytes = 4_096 }
            peer.send(.settings([(4, UInt32(streamWindow))]), .windowUpdate(0, UInt32(connection)))
            guard let filler = peer.open(1), let slot = peer.open(3) else { return }
            peer.send(.windowUpdate(1, 100_000))
            // Leaves `connection` octets of the connection window.
            var left = 65_535
            while left > 0, case .accepted = peer.append(filler, count: min(left, 1_000)) {
                left -= min(left, 1_000)
                peer.flush()
            }
            let writable = peer.ask { $0.writableBytes(slot) }
            guard writable > 0 else {
                #expect(streamWindow == 0)
                continue
            }
            #expect(peer.append(slot, count: writable) == .accepted)
            #expect(peer.append(slot, count: 4_096) != .accepted)
        }
    }

    @Test func aSlotOfAnEndedStreamIsNeverMistakenForItsSuccessor() {
        let peer = TestPeer()
        guard let old = peer.open(1) else { return }
        #expect(peer.append(old, count: 1, end: true) == .accepted)
        guard let new = peer.open(3) else { return }
        #expect(new.index == old.index)
        #expect(new != old)
        #expect(peer.append(old, count: 1) == .closed)
        #expect(!peer.ask { $0.reset(old, .cancel) })
        #expect(peer.ask { $0.streamID(of: old) } == nil)
        #expect(peer.append(new, count: 1) == .accepted)
    }
}
