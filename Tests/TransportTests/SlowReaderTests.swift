// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Dispatch
import Glibc
import Logging
import NIOCore
import NIOPosix
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
        let listener = try await Listener.bind(
            ListenerConfiguration(name: "test", host: "127.0.0.1", port: 0),
            group: loop,
            admission: ConnectionAdmission()
        ) { _ in server.value }
        let port = try #require(listener.address.port)

        let text = "GET /s HTTP/\(version)\r\nHost: a\r\n\r\n"
        var received = try await SlowReader.request(text, port: UInt16(port))
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
        guard let stream = self.stream, stream.send(from: &self.position, of: self.log) == .caughtUp else { return }
        self.stream = nil
        stream.finish(nil)
    }
}

/// A client with a small receive buffer, which reads in small pieces to the server's FIN. The buffer is still several
/// times a loopback segment: below that the kernel's timers, and not the reader, would set the pace.
private enum SlowReader {
    struct Failed: Error { let code: CInt }

    static func request(_ text: String, port: UInt16) async throws -> ByteBuffer {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try self.run(text, port: port) }) }
        }
    }

    private static func run(_ text: String, port: UInt16) throws -> ByteBuffer {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
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
        guard send(descriptor, text, text.utf8.count, 0) == text.utf8.count else { throw Failed(code: errno) }

        var received = ByteBuffer()
        var piece = [UInt8](repeating: 0, count: 3001)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count >= 0 else { throw Failed(code: errno) }
            if count == 0 { return received }
            piece.withUnsafeBytes { _ = received.writeBytes(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
