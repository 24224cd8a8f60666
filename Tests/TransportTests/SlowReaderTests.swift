// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Glibc
import Logging
import NIOCore
import NIOPosix
import TestPrograms
import Testing

@testable import Transport

/// The delivery path over a real socket, whose buffer is small and whose peer reads late: every write breaks off
/// somewhere, and every byte must still come once and in order.
@Suite struct SlowReaderTests {
    /// Lengths from 1 to 8,191 bytes, so that writes break off in size lines, payloads and line ends alike. Together
    /// they are more than socket buffers take.
    private static let messages: [[UInt8]] = {
        let letters = Array(String(repeating: "abcdefghijklmnopqrstuvwxyz", count: 330).utf8)
        return (0..<2000).map { number in
            let start = number % 26
            return Array(letters[start..<start + 1 + (number &* 2_654_435_761) % 8191])
        }
    }()

    private static func body(version: String) -> ByteBuffer {
        var body = ByteBuffer()
        for message in self.messages {
            if version == "1.1" { body.writeString("\(String(message.count, radix: 16))\r\n") }
            body.writeBytes(message)
            if version == "1.1" { body.writeString("\r\n") }
        }
        if version == "1.1" { body.writeString("0\r\n\r\n") }
        return body
    }

    @Test(arguments: ["1.1", "1.0"], [true, false])
    func everyByteArrivesOnceAndInOrder(version: String, isDirect: Bool) async throws {
        try await self.check(version: version, isDirect: isDirect, tls: nil)
    }

    @Test(arguments: ["1.1", "1.0"], [true, false])
    func everyByteArrivesOnceAndInOrderThroughTLS(version: String, isDirect: Bool) async throws {
        let files = try TLSFixtures.files
        let server = TLSServerConfiguration(certificates: [files.local], keyLogFile: nil)
        var client = TLSClientConfiguration(trust: .authorities(file: files.authority), keyLogFile: nil)
        client.applicationProtocols = ["http/1.1"]
        let tls = (try CertificateReloader(configuration: server), try TLSContext(client: client))
        try await self.check(version: version, isDirect: isDirect, tls: tls)
    }

    private func check(
        version: String,
        isDirect: Bool,
        tls: (server: CertificateReloader, client: TLSContext)?
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var limits = ServerLimits()
        limits.directWrites = isDirect
        limits.maximumBurstBytes = 100_000
        let server = try await loop.submit { [limits] in
            let application = StreamingApplication(messages: Self.messages)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            return NIOLoopBound(
                ServerLoop(eventLoop: loop, application: application, limits: limits, logger: logger), eventLoop: loop
            )
        }.get()
        var configuration = ListenerConfiguration(name: "test", host: "127.0.0.1", port: 0)
        configuration.certificates = tls?.server
        let listener = try await Listener.bind(configuration, group: loop, admission: ConnectionAdmission()) { _ in
            server.value
        }
        let port = try #require(listener.address.port)

        let text = "GET /s HTTP/\(version)\r\nHost: a\r\n\r\n"
        var received = try await SlowReader.request(text, port: UInt16(port), tls: tls?.client)
        await listener.close()

        let head = try #require(received.readableBytesView.prefix(1000).firstRange(of: Array("\r\n\r\n".utf8)))
        received.moveReaderIndex(to: head.upperBound)
        let expected = Self.body(version: version)
        // Compared apart: a failure must not print megabytes.
        let isSame = received == expected
        #expect(isSame)
        #expect(received.readableBytes == expected.readableBytes)
    }
}

/// Opens a stream for every request, sends all its messages as the socket takes them, and ends it.
private final class StreamingApplication: Application {
    private let log: FramedLog
    private var stream: ServerStream?
    private var position: UInt64 = 1

    init(messages: [[UInt8]]) {
        self.log = FramedLog(maximumMessages: .max, maximumBytes: .max)
        for message in messages { message.withUnsafeBytes { self.log.append($0, publishedAt: 0) } }
    }

    func plan(for head: RequestHead) -> RequestPlan { .handle(bodyLimit: 0) }

    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        stream.open(Response(status: .ok), token: StreamToken(slot: 0, generation: 0), preamble: ByteBuffer())
        self.stream = stream
        self.deliver()
    }

    func streamBecameWritable(_ token: StreamToken) { self.deliver() }
    func streamEnded(_ token: StreamToken, _ end: StreamEnd) { self.stream = nil }

    private func deliver() {
        guard let stream = self.stream else { return }
        while self.log.holds(self.position) {
            guard self.deliver(self.log.run(from: self.position, limit: 65_536), to: stream) else { return }
        }
        self.stream = nil
        stream.finish(nil)
    }

    /// As a pass over many streams does it: the short way, or the longer one.
    private func deliver(_ run: FramedLog.Run, to stream: ServerStream) -> Bool {
        guard let outcome = stream.gate.write(run) else {
            return stream.send(from: &self.position, of: self.log) == .caughtUp
        }
        if outcome == .wrote(run.bytes.count) {
            self.position = run.next
            return true
        }
        return stream.resume(after: outcome, of: run, from: &self.position, in: self.log) == .caughtUp
    }
}

/// A client with a small receive buffer, which reads in small pieces to the server's FIN. The buffer is still several
/// times a loopback segment: below that the kernel's timers, and not the reader, would set the pace.
private enum SlowReader {
    struct Failed: Error { let code: CInt }

    static func request(_ text: String, port: UInt16, tls: TLSContext?) async throws -> ByteBuffer {
        try await onOwnThread { try self.run(text, port: port, tls: tls) }
    }

    private static func run(_ text: String, port: UInt16, tls: TLSContext?) throws -> ByteBuffer {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failed(code: errno) }
        defer { close(descriptor) }
        var size: CInt = 262_144
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard isConnected == 0 else { throw Failed(code: errno) }
        let connection = try tls.map { try TLSConnection(context: $0, serverName: "localhost") }
        if let connection {
            while case .needsPeer = try connection.handshake() {
                try self.send(connection.takeOutput(), to: descriptor)
                guard let bytes = try self.receive(from: descriptor) else { throw Failed(code: ECONNRESET) }
                try connection.receive(bytes)
            }
            try connection.encrypt(ByteBuffer(string: text))
            try self.send(connection.takeOutput(), to: descriptor)
        } else {
            try self.send(ByteBuffer(string: text), to: descriptor)
        }

        var received = ByteBuffer()
        while var bytes = try self.receive(from: descriptor) {
            guard let connection else {
                received.writeBuffer(&bytes)
                continue
            }
            try connection.receive(bytes)
            if case .failed(let error) = connection.decrypt(into: &received) { throw error }
        }
        return received
    }

    private static func send(_ bytes: ByteBuffer, to descriptor: CInt) throws {
        let count = bytes.withUnsafeReadableBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == bytes.readableBytes else { throw Failed(code: errno) }
    }

    /// `nil` at the server's FIN.
    private static func receive(from descriptor: CInt) throws -> ByteBuffer? {
        var bytes = ByteBuffer()
        let count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 3001) { space in
            max(0, recv(descriptor, space.baseAddress, 3001, 0))
        }
        return count > 0 ? bytes : nil
    }
}
