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
    private static let messages = 3000

    private static func message(_ number: Int) -> String {
        // Lengths from 1 to 8,191 bytes, so that writes break off in size lines, payloads and line ends alike.
        let length = 1 + (number &* 2_654_435_761) % 8191
        return String((0..<length).map { Character(UnicodeScalar(UInt8(97 + ($0 + number) % 26))) })
    }

    @Test(arguments: ["1.1", "1.0"], [true, false])
    func everyByteArrivesOnceAndInOrder(version: String, isDirect: Bool) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let loop = group.next()
        var limits = ServerLimits()
        limits.directWrites = isDirect
        limits.maximumBurstBytes = 100_000
        let server = try await loop.submit { [limits] in
            let application = StreamingApplication(messages: (0..<Self.messages).map(Self.message))
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

        let received = try await SlowReader.request("GET /s HTTP/\(version)\r\nHost: a\r\n\r\n", port: UInt16(port))
        await listener.close()

        let text = String(decoding: received, as: UTF8.self)
        let head = try #require(text.firstRange(of: "\r\n\r\n"))
        let bodies = (0..<Self.messages).map(Self.message)
        let expected =
            version == "1.0"
            ? bodies.joined()
            : bodies.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
        #expect(text[head.upperBound...].utf8.elementsEqual(expected.utf8))
    }
}

/// Opens a stream for every request, sends all its messages as the socket takes them, and ends it.
private final class StreamingApplication: Application {
    private let log: FramedLog
    private var stream: ServerStream?
    private var position: UInt64 = 1

    init(messages: [String]) {
        self.log = FramedLog(maximumMessages: .max, maximumBytes: .max)
        for message in messages { self.log.append(message) }
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

/// A client with a receive buffer of a few kilobytes, which reads in small pieces to the server's FIN.
private enum SlowReader {
    struct Failed: Error { let code: CInt }

    static func request(_ text: String, port: UInt16) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try self.run(text, port: port) }) }
        }
    }

    private static func run(_ text: String, port: UInt16) throws -> [UInt8] {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failed(code: errno) }
        defer { close(descriptor) }
        var size: CInt = 4096
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

        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 3001)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count >= 0 else { throw Failed(code: errno) }
            if count == 0 { return received }
            received += piece[..<count]
        }
    }
}
