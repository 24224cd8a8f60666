// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// RFC 9113 section 5: stream states, identifiers, concurrency, errors, extensions.
@Suite struct HTTP2StreamStateTests {
    @Test(arguments: [
        Frame.data(1, [1]), .reset(1), .windowUpdate(1, 1), .data(2, [1]), .reset(2), .windowUpdate(2, 1),
    ])
    func section_5_1_idleStreamsAcceptNothingButHeadersAndPriority(frame: Frame) {
        let peer = TestPeer()
        peer.send(frame)
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_5_1_priorityOnAnIdleStreamIsAccepted() {
        let peer = TestPeer()
        peer.send(.priority(9, on: 3), .headers(9, block(get)))
        #expect(peer.requests.count == 1)
    }

    @Test func section_5_1_dataAfterEndStreamIsAStreamError() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.data(1, [1]))
        #expect(peer.resets(1) == [Code.streamClosed])
        #expect(peer.ends == [.violation(.streamClosed)])
        #expect(!peer.isFailed)
    }

    @Test func section_5_1_headersAfterEndStreamAreAStreamError() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.headers(1, block([("x-late", "1")])))
        #expect(peer.resets(1) == [Code.streamClosed])
    }

    @Test func section_5_1_windowUpdatePriorityAndResetAreFineOnAHalfClosedStream() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.windowUpdate(1, 5), .priority(1, on: 0), .reset(1, 8))
        #expect(peer.received.isEmpty)
        #expect(peer.ends == [.resetByPeer(.cancel)])
    }

    @Test(arguments: [Frame.data(1, [1], end: true), .headers(1, block(get))])
    func section_5_1_framesAfterBothEndedAreAConnectionError(frame: Frame) {
        let peer = TestPeer()
        if let slot = peer.open(1) { peer.session.finish(slot) }
        peer.send(frame)
        #expect(peer.connectionError == Code.streamClosed)
    }

    @Test func section_5_1_windowUpdateAndResetAfterBothEndedAreIgnored() {
        let peer = TestPeer()
        if let slot = peer.open(1) { peer.session.finish(slot) }
        peer.flush()
        peer.forget()
        peer.send(.windowUpdate(1, 5), .reset(1), .windowUpdate(1, 0))
        #expect(peer.received.isEmpty)
        #expect(peer.events.isEmpty)
        #expect(!peer.isFailed)
    }

    @Test func section_5_1_anyFrameIsIgnoredAfterOurReset() {
        let peer = TestPeer()
        if let slot = peer.open(1, fields: post, end: false) { peer.session.reset(slot, .cancel) }
        peer.flush()
        peer.forget()
        peer.send(.data(1, [1, 2, 3]), .windowUpdate(1, 9), .headers(1, block([("x-t", "1")])))
        peer.send(.data(1, []), .reset(1))
        #expect(peer.received.isEmpty)
        #expect(peer.events.isEmpty)
        #expect(!peer.isFailed)
    }

    @Test func section_5_1_dataDiscardedAfterOurResetStillGivesBackTheConnectionWindow() {
        let peer = TestPeer { $0.connectionReceiveWindow = 65_535 }
        if let slot = peer.open(1, fields: post, end: false) { peer.session.reset(slot, .cancel) }
        peer.send(.data(1, [UInt8](repeating: 0, count: 16_384)), .data(1, [UInt8](repeating: 0, count: 16_384)))
        #expect(peer.received.contains(.windowUpdate(0, 32_768)))
    }

    @Test(arguments: [Frame.data(1, [1]), .headers(1, block([("x-t", "1")]))])
    func section_5_1_framesAfterThePeersResetAreAStreamError(frame: Frame) {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(.reset(1), frame)
        #expect(peer.resets(1) == [Code.streamClosed])
        // Section 5.4.2: one RST_STREAM is enough.
        peer.send(frame)
        #expect(peer.resets(1) == [Code.streamClosed])
    }

    @Test func section_5_1_1_evenIdentifiersAreAConnectionError() {
        let peer = TestPeer()
        peer.send(.headers(2, block(get)))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_5_1_1_identifiersMustGrow() {
        let peer = TestPeer()
        peer.send(.headers(5, block(get)), .headers(3, block(get)))
        #expect(peer.connectionError == Code.protocolError)
        #expect(peer.requests.count == 1)
    }

    @Test func section_5_1_1_skippedIdentifiersAreClosedNotIdle() {
        let peer = TestPeer()
        peer.send(.headers(5, block(get)), .windowUpdate(3, 1))
        #expect(!peer.isFailed)
    }

    @Test func section_5_1_2_streamsAboveTheLimitAreRefused() {
        let peer = TestPeer { $0.maxConcurrentStreams = 2 }
        peer.send(.headers(1, block(get)), .headers(3, block(get)), .headers(5, block(get)))
        #expect(peer.requests.count == 2)
        #expect(peer.resets(5) == [Code.refused])
        #expect(peer.counters.refusedStreams == 1)
        peer.send(.reset(1), .headers(7, block(get)))
        #expect(peer.requests.count == 3)
    }

    @Test func section_5_1_2_alsoBeforeThePeerHasSeenOurSettings() {
        let peer = TestPeer({ $0.maxConcurrentStreams = 1 }, greeted: false)
        peer.send(
            bytes: TestPeer.preface + Frame.settings().bytes
                + (0..<2_000).flatMap { Frame.headers(1 + 2 * $0, block(get)).bytes })
        #expect(!peer.isFailed)
        #expect(peer.requests.count == 1)
        #expect(peer.received.filter { $0.type == 3 }.count == 1_999)
    }

    @Test func section_5_1_2_dataOfARefusedStreamIsIgnored() {
        let peer = TestPeer { $0.maxConcurrentStreams = 1 }
        peer.send(.headers(1, block(get)), .headers(3, block(post), end: false), .data(3, [1, 2], end: true))
        #expect(peer.resets(3) == [Code.refused])
        #expect(!peer.isFailed)
    }

    @Test func section_5_1_2_halfClosedStreamsCountUntilTheirRequestEnds() {
        let peer = TestPeer { $0.maxConcurrentStreams = 1 }
        if let slot = peer.open(1, fields: post, end: false) { peer.session.finish(slot) }
        peer.send(.headers(3, block(get)))
        #expect(peer.resets(3) == [Code.refused])
        peer.send(.data(1, [], end: true), .headers(5, block(get)))
        #expect(peer.requests.count == 1)
    }

    @Test(arguments: [Frame.priority(1, on: 1), Frame(type: 2, stream: 1, payload: [0, 0, 0, 0])])
    func section_5_3_aBadPriorityOnAnOpenStreamIsAStreamError(frame: Frame) {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(frame)
        #expect(peer.resets(1) == [frame.payload.count == 5 ? Code.protocolError : Code.frameSize])
        #expect(!peer.isFailed)
    }

    @Test func section_5_3_headersThatDependOnThemselvesAreAStreamError() {
        let peer = TestPeer()
        peer.send(Frame(type: 1, flags: 0x25, stream: 1, payload: word(1) + [15] + block(get)))
        #expect(peer.resets(1) == [Code.protocolError])
        #expect(peer.requests.isEmpty)
    }

    @Test func section_5_3_anIdleStreamThatDependsOnItselfIsAConnectionError() {
        let peer = TestPeer()
        peer.send(.priority(1, on: 1))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_5_4_1_afterAConnectionErrorThereIsGoAwayAndNothingElse() {
        let peer = TestPeer()
        let slot = peer.open(3)
        peer.send(.data(0, [1]), .ping(1), .headers(5, block(get)))
        #expect(peer.received.map(\.type) == [7])
        // It names the last stream that was processed.
        #expect(peer.received.first.map { number($0.payload[0..<4]) } == 3)
        #expect(peer.events.count == 1)
        #expect(slot.map { peer.append($0, count: 1) } == .closed)
        peer.send(.ping(1))
        #expect(peer.events.count == 1)
    }

    @Test func section_5_4_2_aResetIsNeverAnsweredByAReset() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.reset(1), .reset(1), .reset(1))
        #expect(peer.received.isEmpty)
    }

    @Test(arguments: [Frame(type: 0x20, stream: 1), Frame(type: 0x20), .ping(1), .data(1, []), .headers(3, [])])
    func section_5_5_nothingMayInterruptAFieldBlock(frame: Frame) {
        let peer = TestPeer()
        peer.send(.headers(1, block(get), endHeaders: false), frame)
        #expect(peer.connectionError == Code.protocolError)
    }
}
