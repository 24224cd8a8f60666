// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The server's TLS handler over a channel in memory: garbage, records that look right, and real conversations of which
// single bytes, pieces or whole records are altered. Nothing may crash or leak, and nothing altered may get through.
//
// Input: one byte for the kind. Even: one byte for the cuts, then what the client sends. Odd: a real client talks, and
// each following group of four bytes (flight, place, operation, value) alters one of its flights.

import NIOCore
import NIOEmbedded

@testable import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum TLSRecords {
    private static let server = context { () throws(TLSError) in
        let certificate = try SelfSignedCertificate(directory: certificateDirectory, now: Int64(time(nil)))
        return try TLSContext(server: .init(certificates: [certificate.files], keyLogFile: nil))
    }
    private static let oldServer = context { () throws(TLSError) in
        let certificate = try SelfSignedCertificate(directory: certificateDirectory, now: Int64(time(nil)))
        return try TLSContext(
            server: .init(certificates: [certificate.files], maximumVersion: .tls12, keyLogFile: nil))
    }
    private static let client = context { () throws(TLSError) in
        try TLSContext(client: .init(trust: .insecure, keyLogFile: nil))
    }

    /// Beside the executable: made once, used again until it ends.
    private static var certificateDirectory: String {
        let path = CommandLine.arguments.first ?? "."
        return (path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".") + "/certificate"
    }

    private static func context(_ make: () throws(TLSError) -> TLSContext) -> TLSContext {
        do throws(TLSError) {
            return try make()
        } catch {
            print("no TLS context: \(error)")
            exit(70)
        }
    }

    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let kind = reader.byte()
        let server = TLSEnd { () throws(TLSError) in
            try TLSHandler(server: kind & 2 == 0 ? Self.server : oldServer)
        }
        guard let server else { return }
        if kind & 1 == 0 {
            let seed = reader.byte()
            for piece in pieces(of: reader.rest(), seed: seed) { server.receive(piece) }
            _ = server.takeOutput()
            require(server.received.isEmpty, "plaintext without a handshake")
        } else {
            converse(server, &reader)
        }
        require(server.errors <= 1, "\(server.errors) errors were reported")
        server.finish()
    }

    private static func converse(_ server: TLSEnd, _ reader: inout InputReader) {
        let client = TLSEnd { () throws(TLSError) in
            try TLSHandler(client: Self.client, serverName: "localhost")
        }
        guard let client else { return }
        let text = Array("one event, then another; ".utf8)
        var sent: [UInt8] = []
        var alteration = (flight: Int(reader.byte()) % 8, bytes: reader.take(3))
        for flight in 0..<8 {
            client.send(text)
            sent += text
            var bytes = client.takeOutput()
            while alteration.flight == flight, alteration.bytes.count == 3 {
                alter(&bytes, alteration.bytes)
                alteration = (Int(reader.byte()) % 8, reader.take(3))
            }
            for piece in pieces(of: bytes, seed: UInt8(flight % 3)) { server.receive(piece) }
            client.receive(server.takeOutput())
        }
        require(sent.starts(with: server.received), "the server received what the client did not send")
        client.finish()
    }

    private static func alter(_ bytes: inout [UInt8], _ alteration: [UInt8]) {
        // Doubled again and again, a flight would only measure how much memory there is.
        guard !bytes.isEmpty, bytes.count < 65_536 else { return }
        // The first bytes are headers and lengths: half of all places are among them.
        let place = Int(alteration[0])
        let at = place < 128 ? place % min(bytes.count, 128) : (place - 128) * bytes.count / 128
        let value = alteration[2]
        switch alteration[1] % 7 {
        case 0: bytes[at] ^= 1 << (value & 7)
        case 1: bytes[at] = value
        case 2: bytes.removeSubrange(at...)
        case 3: bytes.insert(contentsOf: bytes[at...], at: at)
        case 4: bytes.remove(at: at)
        case 5: bytes.insert(contentsOf: [UInt8](repeating: value, count: Int(value)), at: at)
        // A record of its own: alerts, plaintext after the handshake, an empty one.
        default: bytes.insert(contentsOf: [20 + value % 5, 3, 3, 0, value & 3] + bytes.prefix(Int(value & 3)), at: 0)
        }
    }
}

/// A TLS handler with what it says and hears.
private final class TLSEnd {
    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var received: [UInt8] = []
        var errors = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += unwrapInboundIn(data).readableBytesView
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            errors += 1
        }
    }

    private let channel: EmbeddedChannel
    private let recorder = Recorder()

    init?(_ makeHandler: () throws(TLSError) -> TLSHandler) {
        let channel = EmbeddedChannel()
        do {
            try channel.pipeline.syncOperations.addHandlers([makeHandler(), recorder])
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        } catch {
            return nil
        }
        self.channel = channel
    }

    var received: [UInt8] { recorder.received }
    var errors: Int { recorder.errors }

    func receive(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes))
        channel.pipeline.fireChannelReadComplete()
    }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func takeOutput() -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try? channel.readOutbound(as: ByteBuffer.self) { bytes += part.readableBytesView }
        return bytes
    }

    func finish() {
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
