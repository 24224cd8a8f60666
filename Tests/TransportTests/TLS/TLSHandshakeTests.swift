// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct TLSHandshakeTests {
    @Test(arguments: TLSVersion.allCases)
    func bothSidesLearnWhatWasAgreed(version: TLSVersion) throws {
        let pair = try TLSPair(server: { $0.maximumVersion = version })
        try pair.connectAndShakeHands()
        for side in [pair.server, pair.client] {
            let completed = try #require(side.recorder.completed)
            #expect(completed.version == version)
            #expect(completed.applicationProtocol == "h2")
            #expect(completed.serverName == "localhost")
            #expect(!completed.resumed)
            #expect(!completed.cipher.isEmpty)
        }
        #expect(pair.client.recorder.completed?.peerCertificateSubject == "CN=local")
        #expect(pair.server.recorder.completed?.peerCertificateSubject == nil)
    }

    @Test(arguments: TLSVersion.allCases, 0..<12)
    func bytesArriveWhateverTheChunks(version: TLSVersion, seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let pair = try TLSPair(server: { $0.maximumVersion = version })
        try pair.connect()
        let largest = [1, 2, 7, 100, 2000, 40_000][Int(seed) % 6]
        let chunk = { Int.random(in: 1...largest, using: &random) }
        try pair.pump(chunk: chunk)
        #expect(pair.server.recorder.completed != nil && pair.client.recorder.completed != nil)
        var sent = ""
        for round in 0..<20 {
            // Small pieces make many steps: what is sent shrinks with them, but for the largest spans several records.
            let count = Int.random(in: 0...min(50_000, largest * 100), using: &random)
            let text = String(repeating: "\(round % 10)", count: count)
            sent += text
            pair.client.send(text)
            pair.server.send(text)
            try pair.pump(chunk: chunk)
        }
        #expect(pair.server.recorder.text == sent)
        #expect(pair.client.recorder.text == sent)
        #expect(pair.server.recorder.errors == [] && pair.client.recorder.errors == [])
    }

    @Test func requestSentWithTheLastHandshakeBytesComesAfterTheEvent() throws {
        let pair = try TLSPair()
        try pair.connect()
        // Written before the handshake: it leaves together with the client's Finished.
        pair.client.send("GET / HTTP/1.1\r\n\r\n")
        try pair.pump()
        #expect(pair.server.recorder.completed != nil)
        #expect(pair.server.recorder.text == "GET / HTTP/1.1\r\n\r\n")
    }

    @Test(arguments: [
        (["h2", "http/1.1"], ["h2", "http/1.1"], "h2"),
        (["h2", "http/1.1"], ["http/1.1", "h2"], "h2"),
        (["http/1.1", "h2"], ["h2", "http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], ["http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], ["http/1.0", "http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], [], nil),
        ([], ["h2"], nil),
    ])
    func protocolIsTheFirstOfTheServersThatTheClientOffers(server: [String], client: [String], agreed: String?) throws {
        let pair = try TLSPair(
            server: { $0.applicationProtocols = server },
            client: { $0.applicationProtocols = client })
        try pair.connectAndShakeHands()
        #expect(try #require(pair.server.recorder.completed).applicationProtocol == agreed)
        #expect(try #require(pair.client.recorder.completed).applicationProtocol == agreed)
    }

    @Test(arguments: TLSVersion.allCases)
    func noCommonProtocolEndsWithTheAlertOfRFC7301(version: TLSVersion) throws {
        let pair = try TLSPair(
            server: { $0.maximumVersion = version },
            client: { $0.applicationProtocols = ["spdy/3", "h2c"] })
        try pair.connectAndShakeHands()
        #expect(pair.server.recorder.errors == [.noCommonProtocol])
        #expect(pair.client.recorder.errors == [.refusedByPeer(.noApplicationProtocol)])
        #expect(pair.server.recorder.isInactive && pair.client.recorder.isInactive)
    }

    @Test(arguments: [
        ("localhost", "CN=local"), ("named.example", "CN=named"), ("NAMED.example", "CN=named"),
        ("a.wild.example", "CN=named"), ("a.b.wild.example", "CN=local"), ("unknown.example", "CN=local"),
        ("wild.example", "CN=local"),
    ])
    func serverNameChoosesTheCertificate(name: String, subject: String) throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(
            serverName: name,
            server: { $0.certificates = [files.local, files.named] },
            client: { $0.trust = .insecure })
        try pair.connectAndShakeHands()
        #expect(try #require(pair.client.recorder.completed).peerCertificateSubject == subject)
        #expect(pair.server.recorder.completed?.serverName?.lowercased() == name.lowercased())
    }

    @Test func clientWithoutServerNameGetsTheFirstCertificate() throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(
            serverName: nil,
            server: { $0.certificates = [files.named, files.local] },
            client: { $0.trust = .insecure })
        try pair.connectAndShakeHands()
        #expect(try #require(pair.client.recorder.completed).peerCertificateSubject == "CN=named")
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func addressIsVerifiedAndNotSentAsName(address: String) throws {
        let pair = try TLSPair(serverName: address)
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.completed != nil)
        #expect(try #require(pair.server.recorder.completed).serverName == nil)
    }

    @Test func manySmallWritesShareARecord() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        for _ in 0..<100 {
            pair.server.channel.write(ByteBuffer(repeating: 65, count: 100), promise: nil)
        }
        #expect(try pair.server.output().readableBytes == 0)
        pair.server.channel.flush()
        // One record: a header of 5, the content type, and a tag of 16.
        #expect(try pair.server.output().readableBytes == 10_000 + 22)
    }

    @Test func fullRecordsDoNotWaitForTheFlush() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        let isDone = NIOLoopBoundBox(false, eventLoop: pair.loop)
        pair.server.channel.write(ByteBuffer(repeating: 65, count: 40_000)).whenSuccess { isDone.value = true }
        // Two full records are with the channel, where they count against its watermark; the rest waits.
        #expect(pair.server.handler.stage.count == 40_000 - 2 * 16_384)
        #expect(!isDone.value)
        pair.server.channel.flush()
        #expect(isDone.value)
        #expect(pair.server.handler.stage.isEmpty)
        #expect(try pair.server.output().readableBytes == 40_000 + 3 * 22)
    }

    @Test func handshakeTimeoutClosesWithItsError() throws {
        let pair = try TLSPair(server: { $0.handshakeTimeout = .seconds(10) })
        try pair.connect()
        pair.loop.advanceTime(by: .milliseconds(9_999))
        #expect(pair.server.recorder.errors == [])
        pair.loop.advanceTime(by: .milliseconds(1))
        #expect(pair.server.recorder.errors == [.handshakeTimedOut(seconds: 10)])
        #expect(pair.server.recorder.isInactive)
    }

    @Test func completeHandshakeDisarmsTheTimeout() throws {
        let pair = try TLSPair()
        try pair.connectAndShakeHands()
        pair.loop.advanceTime(by: .hours(1))
        #expect(pair.server.recorder.errors == [] && !pair.server.recorder.isInactive)
        #expect(pair.client.recorder.errors == [] && !pair.client.recorder.isInactive)
    }

    @Test func tooMuchHeldBeforeTheHandshakeFails() throws {
        let pair = try TLSPair()
        try pair.connect()
        pair.client.channel.write(ByteBuffer(repeating: 0, count: TLSHandler.heldBytesLimit), promise: nil)
        #expect(pair.client.recorder.errors == [])
        let outcome = pair.client.channel.write(ByteBuffer(repeating: 0, count: 1))
        #expect(pair.client.recorder.errors == [.tooMuchBeforeHandshake])
        #expect(throws: TLSError.tooMuchBeforeHandshake) { try outcome.wait() }
    }
}

/// A small generator with a seed, so that a failing case can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
