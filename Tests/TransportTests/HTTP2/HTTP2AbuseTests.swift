// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// RFC 9113 section 10.5: what is legal once ends the connection when it comes in floods, and memory stays bounded.
@Suite struct HTTP2AbuseTests {
    /// Sends a frame until the connection ends.
    ///
    /// - Returns: how many were taken.
    private func flood(_ peer: TestPeer, limit: Int = 20_000, _ frame: (UInt32) -> [Frame]) -> Int {
        for count in 0..<limit {
            peer.send(bytes: frame(UInt32(count)).flatMap(\.bytes))
            if peer.isFailed { return count }
        }
        return limit
    }

    @Test(arguments: [
        [Frame.settings()], [.settings([(4, 1), (4, 2)])], [.settingsAck], [.ping(1)], [.ping(1, ack: true)],
        [.goAway()], [.priority(1, on: 3)], [.windowUpdate(0, 1)], [.windowUpdate(1, 1)], [.data(1, [])],
        [.padded(1, [], padding: 200)], [Frame(type: 0x42)], [.windowUpdate(1, 1), .ping(3)],
    ])
    func section_10_5_floodsEndInEnhanceYourCalm(frames: [Frame]) {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        #expect(flood(peer) { _ in frames } < 5_000)
        #expect(peer.connectionError == Code.calm)
    }

    @Test func section_10_5_rapidResetEndsInEnhanceYourCalm() {
        let peer = TestPeer()
        let taken = flood(peer) { [.headers(1 + 2 * $0, block(get)), .reset(1 + 2 * $0)] }
        #expect(taken == 1_000)
        #expect(peer.connectionError == Code.calm)
    }

    @Test func section_10_5_resetsThatThePeerProvokesCountToo() {
        let peer = TestPeer()
        // "MadeYouReset": a window update of 0 makes the server reset the stream.
        let taken = flood(peer) { [.headers(1 + 2 * $0, block(get)), .windowUpdate(1 + 2 * $0, 0)] }
        #expect(taken == 1_000)
        #expect(peer.connectionError == Code.calm)
    }

    @Test func section_10_5_malformedRequestsCountToo() {
        let peer = TestPeer()
        #expect(flood(peer) { [.headers(1 + 2 * $0, block([get[0]]))] } == 1_000)
        #expect(peer.connectionError == Code.calm)
    }

    @Test func thousandsOfSubscribersMayLeaveAtOnce() {
        let peer = TestPeer()
        for stream in 0..<5_000 { peer.open(UInt32(1 + 2 * stream)) }
        peer.now = 2_000_000_000
        for stream in 0..<5_000 { peer.send(.reset(UInt32(1 + 2 * stream))) }
        #expect(!peer.isFailed)
        #expect(peer.ends.count == 5_000)
    }

    @Test func whatComesSlowlyIsNoFlood() {
        let peer = TestPeer()
        for second in 0..<5_000 {
            peer.now = Int64(second) * 1_000_000_000
            let stream = UInt32(1 + 2 * second)
            peer.send(.ping(1), .settings(), .headers(stream, block(get)), .reset(stream))
        }
        #expect(!peer.isFailed)
    }

    @Test func aBucketRefillsAtItsRateAndNoFaster() {
        let peer = TestPeer { $0.floodLimits.pings = .init(burst: 10, perSecond: 1) }
        for _ in 0..<10 { peer.send(.ping(1)) }
        peer.now = 3_000_000_000
        for _ in 0..<3 { peer.send(.ping(1)) }
        #expect(!peer.isFailed)
        peer.send(.ping(1))
        #expect(peer.connectionError == Code.calm)
    }

    @Test func limitsMayBeAsLargeAsTheyLike() {
        let peer = TestPeer { $0.floodLimits.pings = .init(burst: 1, perSecond: .max) }
        for second in 1...3 as ClosedRange<Int64> {
            peer.now = second * 3_600_000_000_000
            peer.send(.ping(1))
        }
        #expect(!peer.isFailed)
    }

    @Test func twoWindowUpdatesForEachDataFrameAreNoFlood() {
        let peer = TestPeer()
        guard let slot = peer.open(1) else { return }
        for _ in 0..<20_000 {
            guard peer.append(slot, count: 300) == .accepted else { break }
            peer.flush()
            peer.send(.windowUpdate(0, 300), .windowUpdate(1, 300))
        }
        #expect(peer.counters.dataFrames == 20_000)
        #expect(!peer.isFailed)
    }

    @Test func section_10_5_windowsOpenedOctetByOctetEndInEnhanceYourCalm() {
        let peer = TestPeer()
        peer.send(.settings([(4, 0)]))
        guard let slot = peer.open(1) else { return }
        let taken = flood(peer) { _ in
            _ = peer.append(slot, count: 300)
            peer.flush()
            while peer.ask({ $0.nextWritable() }) != nil { _ = peer.append(slot, count: 300) }
            return [.windowUpdate(1, 1)]
        }
        #expect(taken < 5_000)
        #expect(peer.connectionError == Code.calm)
    }

    @Test func section_10_5_continuationFloodsEndInEnhanceYourCalm() {
        let empty = TestPeer()
        empty.send(.headers(1, block(get), endHeaders: false))
        #expect(flood(empty) { _ in [.continuation(1, [], endHeaders: false)] } == 16)
        #expect(empty.connectionError == Code.calm)

        let full = TestPeer { $0.maxContinuationFrames = 1_000 }
        full.send(.headers(1, block(get), endHeaders: false))
        let piece = [UInt8](repeating: 0, count: 16_384)
        #expect(flood(full) { _ in [.continuation(1, piece, endHeaders: false)] } == 3)
        #expect(full.connectionError == Code.calm)
    }

    @Test func section_10_5_1_headerBombsEndInEnhanceYourCalm() {
        let peer = TestPeer()
        // One entry of 4,000 octets in the table, then a thousand references to it: 4 MB out of 5 KB.
        let entry: [UInt8] = [0x40, 1, 0x78, 0x7f, 0xa1, 0x1e] + [UInt8](repeating: 0x61, count: 4_000)
        peer.send(.headers(1, block(get) + entry + [UInt8](repeating: 0x80 | 62, count: 1_000)))
        #expect(peer.connectionError == Code.calm)
    }

    @Test func section_10_5_aPeerThatAsksAndDoesNotReadIsNoLongerRead() {
        let peer = TestPeer {
            $0.maxControlBytes = 10_000
            $0.maxBufferedBytes = 1_024
            $0.maxConcurrentStreams = 1
        }
        peer.send(.headers(1, block(get)))
        // Each refused stream costs an answer of 13 octets. Nothing is flushed.
        let requests = (1...600).flatMap { Frame.headers(UInt32(1 + 2 * $0), block(get)).bytes }
        peer.session.receive(.init(bytes: requests), now: 0)
        #expect(peer.ask { $0.nextEvent() == nil })
        #expect(peer.ask { $0.isInputPaused })
        #expect(peer.ask { $0.pendingOutputBytes } < 1_024 + 5_000 + 13)
        // It reads again, and all goes on where it was.
        peer.pump()
        peer.pump()
        #expect(peer.received.filter { $0.type == 3 }.count == 600)
        #expect(!peer.isFailed)
    }

    @Test func section_10_5_whatADriverReadsInSpiteOfThePauseIsBounded() {
        let peer = TestPeer {
            $0.maxControlBytes = 4_096
            $0.maxBufferedBytes = 1_024
        }
        for payload in 0..<200 { peer.session.ping(UInt64(payload)) }
        #expect(peer.ask { $0.isInputPaused })
        for _ in 0..<100 {
            peer.session.receive(
                .init(bytes: Frame(type: 0x20, payload: Array(repeating: 0, count: 991)).bytes), now: 0)
        }
        #expect(peer.ask { $0.input.readableBytes } < 16_384 + 4_096 + 1_001)
        peer.pump()
        #expect(peer.connectionError == Code.calm)
    }

    @Test func ownControlFramesAreBoundedToo() {
        let peer = TestPeer {
            $0.maxControlBytes = 4_096
            $0.maxBufferedBytes = 1_024
        }
        for payload in 0..<10_000 { peer.session.ping(UInt64(payload)) }
        #expect(peer.ask { $0.pendingOutputBytes } < 1_024 + 4_096 + 64)
        peer.pump()
        #expect(peer.connectionError == Code.calm)
    }

    @Test func theMemoryOfClosedStreamsIsBounded() {
        var closed = HTTP2ClosedStreams(capacity: 4)
        for stream in 1...10 as ClosedRange<UInt32> { closed.remember(stream, .resetByUs) }
        #expect((1...10).filter { closed.ending(of: $0) != nil } == [7, 8, 9, 10])
        closed.remember(11, .complete)
        closed.markResetByUs(11)
        #expect(closed.ending(of: 11) == .resetByUs)
        #expect(closed.ending(of: 7) == nil)
    }
}
