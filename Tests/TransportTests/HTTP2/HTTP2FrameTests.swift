// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// RFC 9113 section 6, frame by frame: what of each a server must accept and must not.
@Suite struct HTTP2FrameTests {
    // MARK: 6.1 DATA

    @Test func section_6_1_dataOnStream0IsAConnectionError() {
        let peer = TestPeer()
        peer.send(.data(0, [1]))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_1_paddingIsStripped() {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(.padded(1, [1, 2, 3], padding: 9), .padded(1, [4], padding: 0, end: true))
        #expect(peer.body == [1, 2, 3, 4])
    }

    @Test(arguments: [[5, 1, 2, 3, 4], [1], [255, 0]] as [[UInt8]])
    func section_6_1_paddingAsLongAsTheFrameIsAConnectionError(payload: [UInt8]) {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(Frame(type: 0, flags: 8, stream: 1, payload: payload))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_1_paddedFrameWithoutPadLengthIsAFrameSizeError() {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(Frame(type: 0, flags: 8, stream: 1))
        #expect(peer.connectionError == Code.frameSize)
    }

    @Test func section_6_1_paddingCountsForFlowControlAndIsGivenBack() {
        let peer = TestPeer {
            $0.connectionReceiveWindow = 65_535
            $0.streamReceiveWindow = 65_535
        }
        peer.open(1, fields: post, end: false)
        for _ in 0..<129 { peer.send(.padded(1, [7], padding: 254)) }
        // 129 × 255 octets of padding: half of both windows has come back although no body was consumed.
        #expect(peer.received == [.windowUpdate(0, 32_895), .windowUpdate(1, 32_895)])
    }

    // MARK: 6.2 HEADERS

    @Test func section_6_2_headersOnStream0AreAConnectionError() {
        let peer = TestPeer()
        peer.send(.headers(0, block(get)))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_2_paddingAndPriorityAreStripped() {
        let peer = TestPeer()
        let payload = [3] + word(0) + [15] + block(get) + [0, 0, 0]
        peer.send(Frame(type: 1, flags: 0x2d, stream: 1, payload: payload))
        #expect(peer.requests.first?.path == "/")
    }

    @Test func section_6_2_paddingAsLongAsTheFrameIsAConnectionError() {
        let peer = TestPeer()
        let fields = block(get)
        peer.send(Frame(type: 1, flags: 0x0d, stream: 1, payload: [UInt8(fields.count + 1)] + fields))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_2_headersTooShortForTheirPriorityAreAFrameSizeError() {
        let peer = TestPeer()
        peer.send(Frame(type: 1, flags: 0x25, stream: 1, payload: [0, 0, 0, 0]))
        #expect(peer.connectionError == Code.frameSize)
    }

    // MARK: 6.3 PRIORITY

    @Test func section_6_3_priorityOnStream0IsAConnectionError() {
        let peer = TestPeer()
        peer.send(.priority(0, on: 1))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_3_priorityOfAnotherLengthIsAStreamError() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(Frame(type: 2, stream: 1, payload: [0, 0, 0, 0, 0, 0]))
        #expect(peer.resets(1) == [Code.frameSize])
        #expect(!peer.isFailed)
    }

    // MARK: 6.4 RST_STREAM

    @Test func section_6_4_resetOnStream0IsAConnectionError() {
        let peer = TestPeer()
        peer.send(.reset(0))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test(arguments: [3, 5])
    func section_6_4_resetOfAnotherLengthIsAConnectionError(length: Int) {
        let peer = TestPeer()
        peer.open(1)
        peer.send(Frame(type: 3, stream: 1, payload: [UInt8](repeating: 0, count: length)))
        #expect(peer.connectionError == Code.frameSize)
    }

    @Test func section_6_4_theCodeOfAResetIsHandedOn() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.reset(1, 70_007))
        #expect(peer.ends == [.resetByPeer(HTTP2ErrorCode(rawValue: 70_007))])
    }

    // MARK: 6.5 SETTINGS

    @Test func section_6_5_settingsOnAStreamAreAConnectionError() {
        let peer = TestPeer()
        peer.send(Frame(type: 4, stream: 1))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test(arguments: [Frame(type: 4, flags: 1, payload: [0, 1, 0, 0, 0, 0]), Frame(type: 4, payload: [0, 1, 0])])
    func section_6_5_settingsOfAWrongLengthAreAFrameSizeError(frame: Frame) {
        let peer = TestPeer()
        peer.send(frame)
        #expect(peer.connectionError == Code.frameSize)
    }

    @Test(arguments: [
        (UInt16(2), UInt32(2), Code.protocolError), (4, 0x8000_0000, Code.flowControl), (5, 16_383, Code.protocolError),
        (5, 16_777_216, Code.protocolError), (9, 2, Code.protocolError),
    ])
    func section_6_5_2_valuesOutOfRangeAreConnectionErrors(identifier: UInt16, value: UInt32, code: UInt32) {
        let peer = TestPeer()
        peer.send(.settings([(identifier, value)]))
        #expect(peer.connectionError == code)
    }

    @Test(arguments: [
        (UInt16(1), UInt32.max), (2, 0), (2, 1), (3, 0), (4, 0x7fff_ffff), (5, 16_777_215), (6, 0), (8, 1),
        (0xffff, 77),
    ])
    func section_6_5_2_validAndUnknownSettingsAreAcknowledged(identifier: UInt16, value: UInt32) {
        let peer = TestPeer()
        peer.send(.settings([(identifier, value)]))
        #expect(peer.received == [.settingsAck])
    }

    @Test func section_6_5_3_settingsApplyInOrderAndAreAcknowledgedOnce() {
        let peer = TestPeer()
        peer.send(.settings([(4, 1), (4, 2), (4, 3)]))
        #expect(peer.received == [.settingsAck])
        #expect(peer.open(1).map { peer.append($0, count: 10) } == .partial(3))
    }

    @Test func section_6_5_3_anAcknowledgementIsNotAcknowledged() {
        let peer = TestPeer()
        peer.send(.settingsAck)
        #expect(peer.received.isEmpty)
    }

    @Test func section_6_5_3_settingsThatAreNeverAcknowledgedEndTheConnection() {
        let peer = TestPeer({ $0.settingsTimeoutNanoseconds = 100 }, greeted: false)
        peer.send(bytes: TestPeer.preface + Frame.settings().bytes)
        peer.session.tick(now: 99)
        #expect(!peer.isFailed)
        peer.session.tick(now: 100)
        peer.pump()
        #expect(peer.connectionError == Code.settingsTimeout)
    }

    @Test func section_6_5_3_aSmallerStreamWindowBindsThePeerOnlyOnceAcknowledged() {
        let peer = TestPeer({ $0.streamReceiveWindow = 10 }, greeted: false)
        peer.send(bytes: TestPeer.preface + Frame.settings().bytes + Frame.headers(1, block(post), end: false).bytes)
        peer.send(.data(1, [UInt8](repeating: 0, count: 1_000)))
        #expect(peer.body.count == 1_000)
        peer.send(.settingsAck, .data(1, [0]))
        #expect(peer.resets(1) == [Code.flowControl])
    }

    // MARK: 6.6 PUSH_PROMISE

    @Test func section_6_6_pushPromiseIsAConnectionError() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(Frame(type: 5, flags: 4, stream: 1, payload: word(2) + block(get)))
        #expect(peer.connectionError == Code.protocolError)
    }

    // MARK: 6.7 PING

    @Test func section_6_7_pingIsAnsweredWithItsPayload() {
        let peer = TestPeer()
        peer.send(.ping(0xab))
        #expect(peer.received == [.ping(0xab, ack: true)])
    }

    @Test func section_6_7_anAcknowledgementIsNotAnswered() {
        let peer = TestPeer()
        peer.session.ping(0x0101_0101_0101_0101)
        peer.flush()
        #expect(peer.received == [.ping(1)])
        peer.forget()
        peer.send(.ping(1, ack: true))
        #expect(peer.received.isEmpty)
        guard case .pingAcknowledged(0x0101_0101_0101_0101)? = peer.events.first else {
            Issue.record("no event")
            return
        }
    }

    @Test func section_6_7_pingOnAStreamIsAConnectionError() {
        let peer = TestPeer()
        var ping = Frame.ping(1)
        ping.stream = 1
        peer.send(ping)
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test(arguments: [0, 7, 9])
    func section_6_7_pingOfAnotherLengthIsAFrameSizeError(length: Int) {
        let peer = TestPeer()
        peer.send(Frame(type: 6, payload: [UInt8](repeating: 0, count: length)))
        #expect(peer.connectionError == Code.frameSize)
    }

    // MARK: 6.10 CONTINUATION

    @Test func section_6_10_aBlockMayComeInPieces() {
        let peer = TestPeer()
        let fields = block(get)
        peer.send(
            .headers(1, Array(fields[..<5]), endHeaders: false),
            .continuation(1, Array(fields[5..<6]), endHeaders: false),
            .continuation(1, [], endHeaders: false),
            .continuation(1, Array(fields[6...])))
        #expect(peer.requests.first?.authority == "origin.test")
    }

    @Test func section_6_10_continuationWithoutHeadersIsAConnectionError() {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(.continuation(1, []))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_10_continuationAfterTheEndOfTheBlockIsAConnectionError() {
        let peer = TestPeer()
        peer.send(.headers(1, block(get), endHeaders: false), .continuation(1, []), .continuation(1, []))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test(arguments: [UInt32(0), 3])
    func section_6_10_continuationOnAnotherStreamIsAConnectionError(stream: UInt32) {
        let peer = TestPeer()
        peer.send(.headers(1, block(get), endHeaders: false), .continuation(stream, []))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_6_10_ourOwnLargeBlocksAreCutAtTheFrameSize() {
        let peer = TestPeer()
        peer.send(.headers(1, block(get)))
        guard case .request(let slot, _, _)? = peer.events.last else {
            Issue.record("no request")
            return
        }
        let value = String(repeating: "~", count: 30_000)
        peer.session.sendHead(slot, HTTP2ResponseHead(status: 200, headers: ["x-large": value]), endStream: true)
        peer.flush()
        #expect(peer.received.map(\.type) == [1] + [UInt8](repeating: 9, count: peer.received.count - 1))
        #expect(peer.received.count > 1)
        #expect(peer.received.allSatisfy { $0.payload.count <= 16_384 })
        #expect(peer.received.first?.flags == 1)
        #expect(peer.received.last?.flags == 4)
    }

    // MARK: 7 Error codes

    @Test func section_7_unknownErrorCodesAreNoErrors() {
        let peer = TestPeer()
        peer.open(1)
        peer.send(.reset(1, 0xffff_ffff), .goAway(last: 0, 0xfeed))
        #expect(!peer.isFailed)
        #expect(HTTP2ErrorCode(rawValue: 0xfeed).description == "65261")
        #expect(HTTP2ErrorCode.http11Required.description == "HTTP_1_1_REQUIRED")
    }
}
