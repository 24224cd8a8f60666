// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What goes wrong before the first request.
@Suite(.timeLimit(.minutes(1))) struct ClientConnectFailureTests {
    @Test func nobodyListensIsRefused() async throws {
        let port = try await TestClient.freePort()
        let target = try HTTPTarget("http://127.0.0.1:\(port)/")
        #expect(await TestClient.failure(target) == .refused(addresses: "127.0.0.1 port \(port)"))
    }

    /// The name stands for both families here; the server has only one of them.
    @Test func nextAddressIsTriedWhenOneRefuses() async throws {
        let server = try await ScriptedServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let target = try HTTPTarget("http://localhost:\(server.port)/")
        let connection = try await TestClient.connect(target)
        #expect(connection.peer?.ipAddress == "127.0.0.1")
        #expect(try await TestClient.get(connection, "/") == "")
        connection.close()
        try await server.stop()
    }

    @Test func nameWithoutAddressIsTold() async throws {
        let target = try HTTPTarget("http://no-such-host.invalid/")
        let error = await TestClient.failure(target)
        guard case .nameNotResolved("no-such-host.invalid", _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    /// A queue of one that is full and that nobody empties: the kernel drops what comes.
    @Test func serverThatDropsConnectionsRunsIntoTheTimeout() async throws {
        let listening = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(listening) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listening, address, length)
                listen(listening, 0)
                getsockname(listening, address, &length)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
        let fillers = (0..<4).map { _ in socket(AF_INET, CInt(SOCK_STREAM.rawValue) | O_NONBLOCK, 0) }
        defer { for filler in fillers { Glibc.close(filler) } }
        for filler in fillers {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(filler, $0, length) }
            }
        }
        var configuration = TestClient.configuration()
        configuration.timeouts.connect = .milliseconds(200)
        let target = try HTTPTarget("http://127.0.0.1:\(port)/")
        #expect(await TestClient.failure(target, configuration) == .timedOut(.connect, seconds: 0.2))
    }

    @Test func httpsWithoutTLSSaysSo() async throws {
        #expect(await TestClient.failure(try HTTPTarget("https://127.0.0.1:1/")) == .tlsNotConfigured)
    }

    @Test func strangerCertificateAndWrongNameAreRefused() async throws {
        await TestClient.makeCertificates()
        let origin = try await ClientTestOrigin.listen(certificates: try TLSFixtures.files.impostor)
        let target = try origin.target("/hello", scheme: "https")
        #expect(
            await TestClient.failure(target, try TestClient.secure()) == .tls(.unknownAuthority(selfSigned: false)))
        let other = try await ClientTestOrigin.listen(certificates: try TLSFixtures.files.named)
        let wrong = try other.target("/hello", scheme: "https", host: "localhost")
        #expect(await TestClient.failure(wrong, try TestClient.secure()) == .tls(.wrongHost(expected: "localhost")))
        try await origin.stop()
        try await other.stop()
    }

    @Test func plainServerBehindHTTPSIsTold() async throws {
        await TestClient.makeCertificates()
        let server = try await ScriptedServer.listen { channel, received in
            guard received.readableBytes > 0 else { return }
            channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"), promise: nil)
        }
        let target = try HTTPTarget("https://127.0.0.1:\(server.port)/")
        #expect(await TestClient.failure(target, try TestClient.secure()) == .tls(.notTLS))
        try await server.stop()
    }

    @Test func silentServerRunsIntoTheHandshakeTimeout() async throws {
        await TestClient.makeCertificates()
        let server = try await ScriptedServer.listen { _, _ in }
        var configuration = try TestClient.secure()
        configuration.timeouts.handshake = .milliseconds(200)
        let secure = try HTTPTarget("https://127.0.0.1:\(server.port)/")
        #expect(await TestClient.failure(secure, configuration) == .timedOut(.handshake, seconds: 0.2))
        configuration.protocols = .http2
        #expect(await TestClient.failure(try server.target(), configuration) == .timedOut(.settings, seconds: 0.2))
        try await server.stop()
    }

    @Test func serverWithoutHTTP2IsToldApart() async throws {
        let server = try await ScriptedServer.listen { channel, received in
            guard received.readableBytes > 0 else { return }
            channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"), promise: nil)
        }
        let error = await TestClient.failure(try server.target(), TestClient.configuration(.http2))
        #expect(error == .protocolMismatch(wanted: "HTTP/2", got: "HTTP/1"))
        try await server.stop()
    }

    @Test func peerThatClosesAtOnceIsToldByItsEnd() async throws {
        let server = try await ScriptedServer.listen { channel, received in
            if received.readableBytes > 0 { channel.close(promise: nil) }
        }
        let error = await TestClient.failure(try server.target(), TestClient.configuration(.http2))
        #expect(error == .ended(HTTPConnectionEnd(cause: .fin), .nothing))
        try await server.stop()
    }
}
