// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// Python's `ssl` as the client, which can be told to do what curl never does.
@Suite(.timeLimit(.minutes(2))) struct TLSPythonClientTests {
    private static let preamble = """
        import os, socket, ssl, sys, time
        port = int(os.environ["PORT"])
        context = ssl.create_default_context(cafile=os.environ["AUTHORITY"])
        def connect(session=None):
            raw = socket.create_connection(("127.0.0.1", port), timeout=20)
            return context.wrap_socket(raw, server_hostname="localhost", session=session)
        def request(stream):
            stream.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
            answer = b""
            while b"\\r\\n\\r\\n" not in answer:
                answer += stream.recv(65536)
            head, body = answer.split(b"\\r\\n\\r\\n", 1)
            length = int(head.split(b"Content-Length: ")[1].split(b"\\r\\n")[0])
            while len(body) < length:
                body += stream.recv(65536)
            return body

        """

    private static func run(_ script: String, _ server: TLSLoopbackServer) async throws -> String {
        let result = try await ForeignProgram.run(
            "python3", ["-c", preamble + script],
            environment: ["PORT": "\(server.port)", "AUTHORITY": TLSFixtures.files.authority])
        #expect(result.status == 0, "\(result.output)")
        return result.output
    }

    private static func server(
        change: (inout TLSServerConfiguration) throws -> Void = { _ in },
        body: @escaping @Sendable (TLSConnectionRecord) -> String = { _ in "ok" }
    ) async throws -> TLSLoopbackServer {
        var configuration = TLSServerConfiguration(certificates: [try TLSFixtures.files.local], keyLogFile: nil)
        try change(&configuration)
        return try await TLSLoopbackServer(TLSContext(server: configuration), body: body)
    }

    @Test(arguments: TLSVersion.allCases)
    func sessionIsResumed(version: TLSVersion) async throws {
        let server = try await Self.server(change: { $0.maximumVersion = version })
        let output = try await Self.run(
            """
            first = connect()
            request(first)
            second = connect(first.session)
            print(request(second), first.session_reused, second.session_reused, second.version())
            """, server)
        #expect(output == "b'ok' False True \(version)\n")
        try await server.close()
    }

    @Test(arguments: TLSVersion.allCases)
    func megabytesGoBothWays(version: TLSVersion) async throws {
        let pattern = "0123456789abcdef"
        let server = try await Self.server(change: { $0.maximumVersion = version }) { record in
            "\(record.received.readableBytes)" + String(repeating: pattern, count: 200_000)
        }
        let output = try await Self.run(
            """
            stream = connect()
            stream.sendall(b"x" * 3_000_000)
            body = request(stream)
            print(body[:7], len(body), body[7:] == b"\(pattern)" * 200_000)
            stream.unwrap()
            """, server)
        #expect(output == "b'3000018' 3200007 True\n")
        let record = await server.nextRecord()
        #expect(record?.ends == [.closeNotify])
        #expect(record?.received.readableBytes == 3_000_018)
        try await server.close()
    }

    @Test(arguments: TLSVersion.allCases)
    func closeNotifyIsAnswered(version: TLSVersion) async throws {
        let server = try await Self.server(change: { $0.maximumVersion = version })
        // `unwrap` raises an error when the answer does not come.
        _ = try await Self.run("stream = connect(); request(stream); stream.unwrap()", server)
        #expect(await server.nextRecord()?.ends == [.closeNotify])
        try await server.close()
    }

    @Test(arguments: TLSVersion.allCases)
    func endWithoutCloseNotifyIsTruncation(version: TLSVersion) async throws {
        let server = try await Self.server(change: { $0.maximumVersion = version })
        _ = try await Self.run(
            "stream = connect(); request(stream); os.close(stream.detach())", server)
        let record = await server.nextRecord()
        #expect(record?.ends == [.truncated])
        #expect(record?.errors == [])
        try await server.close()
    }

    @Test func silentClientRunsIntoTheTimeout() async throws {
        let output = try await Self.runIntoTheTimeout("print(raw.recv(1))")
        #expect(output == "b''\n")
    }

    /// Bytes do not buy time. The one that meets the closed socket is answered by a reset: after one of them, or after
    /// hundreds, as the machine has it.
    @Test func tricklingClientRunsIntoTheTimeout() async throws {
        let output = try await Self.runIntoTheTimeout(
            """
            try:
                raw.sendall(b"\\x16\\x03\\x01\\x40\\x00")
                while True:
                    time.sleep(0.005)
                    raw.sendall(b"\\x01")
            except ConnectionError:
                print("closed")
            """)
        #expect(output == "closed\n")
    }

    /// What the script says that has `raw`, a TCP connection to a server that waits 0.1 s for a handshake.
    private static func runIntoTheTimeout(_ script: String) async throws -> String {
        let server = try await server(change: { $0.handshakeTimeout = .milliseconds(100) })
        let output = try await run(
            "raw = socket.create_connection((\"127.0.0.1\", port), timeout=20)\n" + script, server)
        #expect(await server.nextRecord()?.errors == [.handshakeTimedOut(seconds: 0.1)])
        try await server.close()
        return output
    }

    @Test func clientThatLeavesDuringTheHandshakeIsNoted() async throws {
        let server = try await Self.server()
        _ = try await Self.run("socket.create_connection((\"127.0.0.1\", port)).close()", server)
        #expect(await server.nextRecord()?.errors == [.closedDuringHandshake])
        try await server.close()
    }

    @Test func wrongHostNameIsRefusedByTheClient() async throws {
        let server = try await Self.server()
        let output = try await Self.run(
            """
            try:
                context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="wrong.example")
            except ssl.SSLCertVerificationError as error:
                print(error.verify_message)
            """, server)
        #expect(output.contains("not valid for 'wrong.example'"))
        #expect(await server.nextRecord()?.errors == [.refusedByPeer(.badCertificate)])
        try await server.close()
    }
}
