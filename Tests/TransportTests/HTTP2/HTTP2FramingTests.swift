// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// RFC 9113 sections 3 and 4: preface, frame format, frame size, field blocks.
@Suite struct HTTP2FramingTests {
    @Test func section_3_4_ourFirstFrameIsSettings() {
        let peer = TestPeer(greeted: false)
        peer.flush()
        #expect(peer.received.first?.type == 4)
        #expect(peer.received.first?.flags == 0)
        #expect(peer.received.first?.stream == 0)
    }

    @Test func section_3_4_prefaceMayArriveOctetByOctet() {
        let peer = TestPeer(greeted: false)
        for octet in TestPeer.preface + Frame.settings().bytes + Frame.headers(1, block(get)).bytes {
            peer.send(bytes: [octet])
        }
        #expect(peer.requests.count == 1)
    }

    @Test func section_3_4_aWrongPrefaceIsAConnectionErrorAtItsFirstWrongOctet() {
        let peer = TestPeer(greeted: false)
        peer.send(bytes: Array("GET".utf8))
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test(arguments: [Frame.ping(1), .settingsAck, .headers(1, block(get)), .windowUpdate(0, 1)])
    func section_3_4_theFirstFrameMustBeSettings(frame: Frame) {
        let peer = TestPeer(greeted: false)
        peer.send(bytes: TestPeer.preface + frame.bytes)
        #expect(peer.connectionError == Code.protocolError)
    }

    @Test func section_4_1_unknownFrameTypesAreIgnored() {
        let peer = TestPeer()
        peer.send(Frame(type: 0x16, flags: 0xff, stream: 77, payload: [1, 2, 3]), Frame(type: 0xff), .ping(7))
        #expect(peer.received == [.ping(7, ack: true)])
        #expect(peer.events.isEmpty)
    }

    @Test func section_4_1_undefinedFlagsAreIgnored() {
        let peer = TestPeer()
        var ping = Frame.ping(7)
        ping.flags = 0xfe
        peer.send(ping)
        #expect(peer.received == [.ping(7, ack: true)])
    }

    @Test func section_4_1_theReservedBitIsIgnored() {
        let peer = TestPeer()
        var ping = Frame.ping(7)
        ping.stream = 0x8000_0000
        peer.send(ping)
        #expect(peer.received == [.ping(7, ack: true)])
    }

    @Test func section_4_2_aFrameOf16384OctetsIsAccepted() {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(.data(1, [UInt8](repeating: 1, count: 16_384)))
        #expect(peer.body.count == 16_384)
    }

    @Test(arguments: [UInt8(0), 1, 4, 6, 0x16])
    func section_4_2_aLargerFrameIsAFrameSizeErrorBeforeItsPayloadArrives(type: UInt8) {
        let peer = TestPeer()
        peer.open(1, fields: post, end: false)
        peer.send(bytes: [0, 0x40, 1, type, 4, 0, 0, 0, 1])
        #expect(peer.connectionError == Code.frameSize)
    }

    @Test func section_4_2_ourFramesKeepToThePeersMaximum() {
        let peer = TestPeer()
        peer.send(.settings([(4, 1_000_000)]), .windowUpdate(0, 1_000_000))
        let slot = peer.open(1)
        #expect(slot.map { peer.append($0, count: 40_000) } == .accepted)
        peer.flush()
        #expect(peer.dataFrames.map(\.payload.count) == [16_384, 16_384, 7_232])
    }

    @Test func section_4_3_aBlockThatCannotBeDecodedIsACompressionError() {
        let peer = TestPeer()
        peer.send(.headers(1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
        #expect(peer.connectionError == Code.compression)
    }

    @Test(arguments: [[0x80], [0xff, 0x80, 0x01], [0x40, 0x01], [0x00, 0x81, 0xff, 0x01, 0x61]] as [[UInt8]])
    func section_4_3_invalidIndexesAndStringsAreCompressionErrors(octets: [UInt8]) {
        let peer = TestPeer()
        peer.send(.headers(1, octets))
        #expect(peer.connectionError == Code.compression)
    }

    /// RFC 7541 section 5.2: padding of more than 7 bits, padding that is not ones, and the EOS symbol.
    @Test(
        arguments: [
            [0x85, 0x49, 0x50, 0x9f, 0xff, 0xff], [0x83, 0x49, 0x50, 0x90], [0x84, 0xff, 0xff, 0xff, 0xff],
        ] as [[UInt8]])
    func section_4_3_badHuffmanCodesAreCompressionErrors(value: [UInt8]) {
        let peer = TestPeer()
        peer.send(.headers(1, block(get) + [0x00, 0x01, 0x78] + value))
        #expect(peer.connectionError == Code.compression)
    }

    @Test func section_4_3_theBlockOfARefusedStreamStillUpdatesTheTable() {
        let peer = TestPeer { $0.maxConcurrentStreams = 1 }
        peer.send(.headers(1, block(get)))
        // Refused, but it adds "x-a: b" to the table (literal with incremental indexing).
        peer.send(.headers(3, block(get) + [0x40, 3] + Array("x-a".utf8) + [1] + Array("b".utf8)))
        #expect(peer.resets(3) == [Code.refused])
        peer.send(.reset(1))
        peer.send(.headers(5, block(get) + [0x80 | 62]))
        #expect(peer.requests.last?.headers["x-a"] == ["b"])
    }

    @Test func section_4_3_1_tableSizeUpdateAboveTheSettingIsACompressionError() {
        let peer = TestPeer()
        peer.send(.headers(1, [0x3f, 0xe2, 0x1f] + block(get)))
        #expect(peer.connectionError == Code.compression)
    }

    @Test func section_4_3_1_tableSizeUpdateAfterAFieldIsACompressionError() {
        let peer = TestPeer()
        peer.send(.headers(1, block(get) + [0x20]))
        #expect(peer.connectionError == Code.compression)
    }

    @Test func section_4_3_1_aLoweredTableMustBeAnsweredByASizeUpdate() {
        let silent = TestPeer { $0.headerTableSize = 256 }
        silent.send(.headers(1, block(get)))
        #expect(silent.connectionError == Code.compression)

        let obedient = TestPeer { $0.headerTableSize = 256 }
        obedient.send(.headers(1, [0x3f, 0xe1, 0x01] + block(get)))
        #expect(obedient.requests.count == 1)
    }

    @Test func section_4_3_1_ourEncoderAnnouncesALoweredTable() {
        let peer = TestPeer()
        peer.send(.settings([(1, 0)]), .headers(1, block(get)))
        guard case .request(let slot, _, _)? = peer.events.last else {
            Issue.record("no request")
            return
        }
        peer.session.sendHead(slot, HTTP2ResponseHead(status: 200, headers: ["x-a": "b"]))
        peer.flush()
        // 001 00000: the table has size 0 from here on.
        #expect(peer.received.last?.payload.first == 0x20)
    }
}
