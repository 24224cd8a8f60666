// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct TLSHostileBytesTests {
    /// Shared, since making contexts costs more than the cases that use them.
    private static let contexts = Result { () throws -> [TLSVersion: (server: TLSContext, client: TLSContext)] in
        let files = try TLSFixtures.files
        let client = try TLSContext(client: .init(trust: .authorities(file: files.authority), keyLogFile: nil))
        var contexts: [TLSVersion: (server: TLSContext, client: TLSContext)] = [:]
        for version in TLSVersion.allCases {
            let server = try TLSContext(
                server: .init(certificates: [files.local], maximumVersion: version, keyLogFile: nil))
            contexts[version] = (server, client)
        }
        return contexts
    }

    private static func pair(_ version: TLSVersion = .tls13) throws -> TLSPair {
        let contexts = try #require(try contexts.get()[version])
        return try TLSPair(server: contexts.server, client: contexts.client)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /x HTTP/1.1\r\n\r\n", "PUT /x HTTP/1.1\r\n\r\n",
        "CONNECT localhost:443 HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n", "DELETE /x HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ])
    func plainHTTPIsRecognisedAndAnswered(request: String) throws {
        let pair = try Self.pair()
        try pair.server.connect()
        pair.server.channel.pipeline.fireChannelRead(ByteBuffer(string: request))
        #expect(pair.server.recorder.errors == [.plainHTTPRequest])
        #expect(pair.server.recorder.isInactive)
        let answer = String(buffer: try pair.server.output())
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(answer.hasSuffix("https://\r\n"))
    }

    @Test(arguments: ["\0\u{1}garbage that is no record", "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "SSH-2.0-x\r\n"])
    func otherPlainTextIsNotTLS(text: String) throws {
        let pair = try Self.pair()
        try pair.server.connect()
        for byte in text.utf8 { pair.server.channel.pipeline.fireChannelRead(ByteBuffer(bytes: [byte])) }
        #expect(pair.server.recorder.errors == [.notTLS])
        #expect(try pair.server.output().readableBytes == 0)
    }

    @Test func clientRecognisesAServerWithoutTLS() throws {
        let client = try Self.pair().client
        try client.connect()
        client.channel.pipeline.fireChannelRead(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"))
        #expect(client.recorder.errors == [.notTLS])
    }

    @Test func alteredRecordEndsTheConnectionAndDeliversNothing() throws {
        let pair = try Self.pair()
        try pair.connectAndShakeHands()
        pair.client.send("hello")
        var bytes = try pair.client.output()
        let last = bytes.writerIndex - 1
        bytes.setInteger(try #require(bytes.getInteger(at: last, as: UInt8.self)) ^ 1, at: last)
        pair.server.channel.pipeline.fireChannelRead(bytes)
        guard case .protocolViolation = try #require(pair.server.recorder.errors.first) else {
            Issue.record("got \(pair.server.recorder.errors)")
            return
        }
        #expect(pair.server.recorder.text == "")
        #expect(pair.server.recorder.isInactive)
        try pair.pump()
        #expect(pair.client.recorder.errors == [.refusedByPeer(TLSAlert(rawValue: 20))])
    }

    @Test func recordsBeforeTheAlteredOneAreDelivered() throws {
        let pair = try Self.pair()
        try pair.connectAndShakeHands()
        pair.client.send("good")
        pair.client.send("bad")
        var bytes = try pair.client.output()
        bytes.setInteger(UInt8(0xFF), at: bytes.writerIndex - 1)
        bytes.setInteger(UInt8(0xFF), at: bytes.writerIndex - 2)
        pair.server.channel.pipeline.fireChannelRead(bytes)
        #expect(pair.server.recorder.text == "good")
        #expect(pair.server.recorder.errors.count == 1)
    }

    /// Bits of a real conversation flipped, pieces doubled, dropped and cut: nothing may crash, hang or get through.
    @Test(arguments: TLSVersion.allCases, 0..<200)
    func mutatedConversationsNeverCrashOrDeliverWrongBytes(version: TLSVersion, seed: UInt64) throws {
        var random = SplitMix(seed: seed &+ 1000)
        let pair = try Self.pair(version)
        try pair.connect()
        let text = String(repeating: "event ", count: 20)
        var rounds = 0
        var isBroken = false
        while rounds < 30 {
            rounds += 1
            pair.client.send(text)
            for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
                var bytes = try from.output()
                guard bytes.readableBytes > 0 else { continue }
                if !isBroken, Int.random(in: 0..<4, using: &random) == 0 {
                    isBroken = true
                    Self.mutate(&bytes, using: &random)
                }
                to.channel.pipeline.fireChannelRead(bytes)
                to.channel.pipeline.fireChannelReadComplete()
            }
        }
        #expect(text.count * rounds >= pair.server.recorder.text.count)
        let whole = String(repeating: text, count: rounds)
        #expect(whole.hasPrefix(pair.server.recorder.text))
        #expect(pair.server.recorder.errors.count <= 1 && pair.client.recorder.errors.count <= 1)
        #expect(pair.server.recorder.otherErrors.isEmpty && pair.client.recorder.otherErrors.isEmpty)
    }

    @Test(arguments: 0..<200)
    func randomRecordsNeverCrash(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let pair = try Self.pair()
        try pair.connect()
        if seed % 2 == 0 { try pair.pump() }
        var bytes = ByteBuffer()
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            // A plausible header, so that more than the first check is reached.
            bytes.writeInteger(UInt8.random(in: 19...25, using: &random))
            bytes.writeInteger(UInt16(0x0301 + UInt16.random(in: 0...3, using: &random)))
            let length = Int.random(in: 0...300, using: &random)
            bytes.writeInteger(UInt16(length))
            bytes.writeBytes((0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        for side in [pair.server, pair.client] {
            side.channel.pipeline.fireChannelRead(bytes)
            side.channel.pipeline.fireChannelReadComplete()
            #expect(side.recorder.text == "")
            #expect(side.recorder.errors.count <= 1)
        }
    }

    private static func mutate(_ bytes: inout ByteBuffer, using random: inout SplitMix) {
        var array = Array(bytes.readableBytesView)
        let at = Int.random(in: 0..<array.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: array[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: array[at] = UInt8.random(in: 0...255, using: &random)
        case 2: array.removeSubrange(at...)
        case 3: array.insert(contentsOf: array[at...], at: at)
        default: array.remove(at: at)
        }
        bytes = ByteBuffer(bytes: array)
    }
}
