// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// RFC 9113 sections 5.2, 6.8 and 6.9: flow control both ways, and GOAWAY.
@Suite struct HTTP2WindowTests {
    // MARK: Sending

    @Test func section_6_9_1_weNeverSendMoreThanTheStreamWindow() {
        let peer = TestPeer()
        peer.send(.settings([(4, 1)]))
        guard let slot = peer.open(1) else { return }
        #expect(peer.append(slot, [1, 2, 3]) == .partial(1))
        #expect(peer.append(slot, [2, 3]) == .noStreamWindow)
        #expect(peer.turns().isEmpty)
        peer.send(.windowUpdate(1, 10))
        #expect(peer.turns() == [slot])
        #expect(peer.append(slot, [2, 3], end: true) == .accepted)
        peer.flush()
        #expect(peer.dataFrames == [.data(1, [1]), .data(1, [2, 3], end: true)])
    }

    @Test func section_6_9_1_weNeverSendMoreThanTheConnectionWindow() {
        let peer = TestPeer()
        peer.send(.settings([(4, 100_000)]))
        guard let first = peer.open(1), let second = peer.open(3) else { return }
        #expect(peer.append(first, count: 65_500) == .accepted)
        #expect(peer.append(second, count: 100) == .partial(35))
        #expect(peer.append(second, count: 65) == .noConnectionWindow)
        #expect(peer.append(first, count: 1) == .noConnectionWindow)
        #expect(peer.turns().isEmpty)
        peer.send(.windowUpdate(0, 1_000))
        #expect(peer.turns() == [second, first])
        #expect(peer.append(second, count: 65) == .accepted)
    }

    @Test func section_6_9_1_smallMessagesUseUpBothWindowsToo() {
        let peer = TestPeer()
        guard let slot = peer.open(1) else { return }
        for _ in 0..<65 { #expect(peer.append(slot, count: 1_000) == .accepted) }
        #expect(peer.ask { $0.connectionWindow } == 535)
        #expect(peer.ask { $0.streamWindow(of: slot) } == 535)
        #expect(peer.append(slot, count: 1_000) == .partial(535))
    }

    @Test func section_6_9_1_anEmptyFrameWithEndStreamNeedsNoWindow() {
        let peer = TestPeer()
        peer.send(.settings([(4, 0)]))
        guard let slot = peer.open(1) else { return }
        #expect(peer.append(slot, [], end: true) == .accepted)
        peer.flush()
        #expect(peer.dataFrames == [.data(1, [], end: true)])
    }

    @Test func section_6_9_2_newSettingsMoveTheWindowsOfOpenStreamsBelowZero() {
        let peer = TestPeer()
        guard let slot = peer.open(1) else { return }
        #expect(peer.append(slot, count: 1_000) == .accepted)
        peer.send(.settings([(4, 100)]))
        #expect(peer.ask { $0.streamWindow(of: slot) } == -900)
        #expect(peer.append(slot, count: 5) == .noStreamWindow)
        peer.send(.windowUpdate(1, 900))
        #expect(peer.append(slot, count: 5) == .noStreamWindow)
        peer.send(.settings([(4, 103)]))
        #expect(peer.turns() == [slot])
        #expect(peer.append(slot, count: 5) == .partial(3))
    }

    @Test func section_6_9_2_newSettingsLeaveTheConnectionWindowAlone() {
        let peer = TestPeer()
        peer.send(.settings([(4, 1_000_000)]))
        #expect(peer.ask { $0.connectionWindow } == 65_535)
    }

    @Test func section_6_9_2_aSettingThatOverflowsAStreamWindowIsAConnectionError() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.windowUpdate(1, 1), .settings([(4, 0x7fff_ffff)]))
        #expect(peer.connectionError == Code.flowControl)
    }

    // MARK: WINDOW_UPDATE

    @Test func section_6_9_anIncrementOf0OnAStreamIsAStreamError() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.windowUpdate(1, 0))
        #expect(peer.resets(1) == [Code.protocolError])
        #expect(!peer.isFailed)
    }

    @Test func section_6_9_anIncrementOf0OnTheConnectionIsAConnectionError() {
        let peer = TestPeer()
        peer.send(.windowUpdate(0, 0))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test(arguments: [UInt32(0), 1])
    func section_6_9_windowUpdateOfAnotherLengthIsAConnectionError(stream: UInt32) {
        let peer = TestPeer()
        peer.open(1)
        peer.send(Frame(type: 8, stream: stream, payload: [0, 0, 1]))
        #expect(peer.connectionError == Code.frameSize)
    }

    @Test func section_6_9_1_aStreamWindowAboveTheMaximumIsAStreamError() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.windowUpdate(1, 0x7fff_ffff))
        #expect(peer.resets(1) == [Code.flowControl])
        #expect(!peer.isFailed)
    }

    @Test func section_6_9_1_aConnectionWindowAboveTheMaximumIsAConnectionError() {
        let peer = TestPeer()
        peer.send(.windowUpdate(0, 0x7fff_ffff))
        #expect(peer.connectionError == Code.flowControl)
    }

    // MARK: Receiving

    @Test func section_6_9_moreThanTheStreamWindowIsAStreamError() {
        let peer = TestPeer { $0.streamReceiveWindow = 65_535 }
        peer.open(1, fields: post, end: false)
        for _ in 0..<4 { peer.send(.data(1, [UInt8](repeating: 0, count: 16_384))) }
        #expect(peer.resets(1) == [Code.flowControl])
        #expect(peer.body.count == 3 * 16_384)
    }

    @Test func section_6_9_moreThanTheConnectionWindowIsAConnectionError() {
        let peer = TestPeer { $0.connectionReceiveWindow = 65_535 }
        peer.open(1, fields: post, end: false)
        peer.open(3, fields: post, end: false)
        for stream in [1, 3, 1, 3] as [UInt32] { peer.send(.data(stream, [UInt8](repeating: 0, count: 16_384))) }
        #expect(peer.connectionError == Code.flowControl)
    }

    @Test func section_6_9_windowsAreOpenedAgainOnlyAsTheCallerConsumes() {
        let peer = TestPeer {
            $0.streamReceiveWindow = 65_535
            $0.connectionReceiveWindow = 65_535
        }
        guard let slot = peer.open(1, fields: post, end: false) else { return }
        for _ in 0..<3 { peer.send(.data(1, [UInt8](repeating: 0, count: 16_384))) }
        #expect(peer.received.isEmpty)
        peer.session.consumed(slot, 32_767)
        peer.flush()
        #expect(peer.received.isEmpty)
        peer.session.consumed(slot, 1)
        peer.flush()
        #expect(peer.received == [.windowUpdate(0, 32_768), .windowUpdate(1, 32_768)])
        // More than it holds is not given back twice.
        peer.session.consumed(slot, 1_000_000)
        peer.session.consumed(slot, 1_000_000)
        let window = peer.ask { $0.connectionReceive }
        #expect(window.available + window.returned == 65_535)
    }

    @Test func bodyBytesOfAnEndedStreamGoBackToTheConnection() {
        let peer = TestPeer { $0.connectionReceiveWindow = 65_535 }
        peer.open(1, fields: post, end: false)
        for _ in 0..<2 { peer.send(.data(1, [UInt8](repeating: 0, count: 16_384))) }
        peer.send(.reset(1))
        #expect(peer.received == [.windowUpdate(0, 32_768)])
    }

    // MARK: Stalls

    @Test func timeWithoutStreamWindowIsRecorded() {
        let peer = TestPeer()
        peer.send(.settings([(4, 2)]))
        guard let slot = peer.open(1) else { return }
        peer.session.advance(to: 1_000)
        #expect(peer.append(slot, count: 3) == .partial(2))
        peer.session.advance(to: 1_500)
        #expect(peer.append(slot, count: 1) == .noStreamWindow)
        #expect(peer.ask { $0.stalls(of: slot).nanoseconds } == 500)
        peer.now = 3_000
        peer.send(.windowUpdate(1, 1))
        #expect(peer.ask { $0.stalls(of: slot).nanoseconds } == 2_000)
        #expect(peer.ask { $0.stalls(of: slot).count } == 1)
        #expect(peer.turns() == [slot])
        #expect(peer.append(slot, count: 2) == .partial(1))
        peer.now = 3_700
        peer.send(.reset(1))
        guard case .streamEnded(_, _, let stall)? = peer.events.last else {
            Issue.record("no end")
            return
        }
        #expect(stall.count == 2)
        #expect(stall.nanoseconds == 2_700)
        #expect(peer.counters.streamStalls == stall)
    }

    @Test func timeWithoutConnectionWindowIsRecorded() {
        let peer = TestPeer()
        peer.send(.settings([(4, 100_000)]))
        guard let slot = peer.open(1) else { return }
        #expect(peer.append(slot, count: 70_000) == .partial(65_535))
        peer.now = 800
        peer.send(.windowUpdate(0, 100_000))
        #expect(peer.counters.connectionStalls.count == 1)
        #expect(peer.counters.connectionStalls.nanoseconds == 800)
    }

    @Test func timeWithoutConnectionWindowCountsForStreamsInLineToo() {
        let peer = TestPeer { $0.maxBufferedBytes = 65_535 + 5 * 9 }
        peer.send(.settings([(4, 100_000)]))
        guard let first = peer.open(1), let second = peer.open(3) else { return }
        #expect(peer.append(first, count: 65_535) == .accepted)
        #expect(peer.append(second, count: 1) == .noConnectionWindow)
        #expect(peer.counters.connectionStalls.count == 1)

        let other = TestPeer { $0.maxBufferedBytes = 40_000 }
        other.send(.settings([(4, 100_000)]))
        guard let third = other.open(1), let fourth = other.open(3) else { return }
        #expect(other.append(third, count: 30_000) == .accepted)
        #expect(other.append(fourth, count: 35_535) == .bufferFull)
        other.flush()
        #expect(other.append(third, count: 1) == .bufferFull)
        #expect(other.ask { $0.nextWritable() } == fourth)
        #expect(other.append(fourth, count: 35_535) == .accepted)
        other.flush()
        #expect(other.ask { $0.nextWritable() } == nil)
        #expect(other.counters.connectionStalls.count == 1)
    }

    // MARK: 6.8 GOAWAY

    @Test func section_6_8_goAwayOnAStreamIsAConnectionError() {
        let peer = TestPeer()
        var frame = Frame.goAway()
        frame.stream = 1
        peer.send(frame)
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_8_goAwayTooShortIsAFrameSizeError() {
        let peer = TestPeer()
        peer.send(Frame(type: 7, payload: [0, 0, 0, 0, 0, 0, 0]))
        #expect(peer.connectionError == Code.frameSize)
    }

    @Test func section_6_8_thePeersGoAwayIsToldAndOpenStreamsGoOn() {
        let peer = TestPeer()
        guard let slot = peer.open(1) else { return }
        peer.send(.goAway(last: 0, 70_007, debug: Array("time\u{0}out".utf8)))
        guard case .goAwayReceived(let code, let debug, _)? = peer.events.last else {
            Issue.record("no event")
            return
        }
        #expect(code.rawValue == 70_007)
        #expect(debug == "time.out")
        #expect(peer.append(slot, count: 5) == .accepted)
    }

    @Test func section_6_8_gracefulShutdownFirstNamesTheLargestIdentifier() {
        let peer = TestPeer()
        peer.open(1)
        peer.session.goAwayGracefully()
        peer.flush()
        #expect(peer.received == [.goAway(last: 0x7fff_ffff)])
        peer.forget()
        // A stream that was on its way is still served.
        peer.send(.headers(3, block(get)))
        #expect(peer.requests.count == 1)
        peer.session.goAway()
        peer.flush()
        #expect(peer.received == [.goAway(last: 3)])
    }

    @Test func section_6_8_streamsAfterTheFinalGoAwayAreIgnored() {
        let peer = TestPeer()
        guard let slot = peer.open(1) else { return }
        peer.session.goAway(debug: "bye")
        peer.flush()
        peer.forget()
        peer.send(.headers(3, block(post), end: false), .data(3, [1], end: true), .headers(5, block(get)))
        #expect(peer.events.isEmpty)
        #expect(peer.received.isEmpty)
        #expect(!peer.ask { $0.isDrained })
        peer.session.finish(slot)
        #expect(peer.ask { $0.isDrained })
    }
}
