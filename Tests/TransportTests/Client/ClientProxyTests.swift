// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(1))) struct ClientProxyTests {
    @Test(arguments: [HTTPClientProtocols.http1, .http2])
    func secureTargetIsReachedThroughATunnel(protocols: HTTPClientProtocols) async throws {
        await TestClient.makeCertificates()
        let origin = try await ClientTestOrigin.listen(certificates: try TLSFixtures.files.local)
        let proxy = try await ClientTestProxy.listen()
        var configuration = try TestClient.secure(protocols)
        configuration.proxies = HTTPProxies(https: try proxy.proxy)
        let target = try origin.target("/hello", scheme: "https", host: "localhost")
        let connection = try await TestClient.connect(target, configuration)
        #expect(try await TestClient.get(connection, "/hello") == "hello")
        #expect(connection.proxy == (try proxy.proxy))
        let phases = connection.phases
        let stamps = [phases.started, phases.resolved, phases.connected, phases.tunnelled, phases.secured]
        #expect(stamps.compactMap { $0 }.count == 5)
        #expect(stamps.compactMap { $0 } == stamps.compactMap { $0 }.sorted())
        var requests = proxy.requests.makeAsyncIterator()
        let request = try #require(await requests.next())
        #expect(request.hasPrefix("CONNECT localhost:\(target.port) HTTP/1.1\r\nHost: localhost:\(target.port)\r\n"))
        #expect(request.contains("\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"))
        connection.close()
        try await proxy.server.stop()
        try await origin.stop()
    }

    @Test func cleartextHTTP2GoesThroughATunnelToo() async throws {
        let origin = try await ClientTestOrigin.listen()
        let proxy = try await ClientTestProxy.listen()
        var configuration = TestClient.configuration(.http2)
        configuration.proxies = HTTPProxies(http: try proxy.proxy)
        let connection = try await TestClient.connect(try origin.target("/hello"), configuration)
        #expect(try await TestClient.get(connection, "/hello") == "hello")
        #expect(connection.phases.tunnel != nil)
        connection.close()
        try await proxy.server.stop()
        try await origin.stop()
    }

    /// The answer to CONNECT and the server's first frame in one read.
    @Test func whatTheServerSaysFirstIsNotLost() async throws {
        let proxy = try await ScriptedServer.listen { channel, received in
            guard String(buffer: received).hasSuffix("\r\n\r\n") else { return }
            var answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n")
            answer.writeImmutableBuffer(RawFrame.settings)
            channel.writeAndFlush(answer, promise: nil)
        }
        var configuration = TestClient.configuration(.http2)
        configuration.proxies = HTTPProxies(http: try HTTPProxy("127.0.0.1:\(proxy.port)"))
        let connection = try await TestClient.connect(try HTTPTarget("http://example.invalid/"), configuration)
        #expect(connection.phases.settings != nil)
        connection.close()
        try await proxy.stop()
    }

    @Test func plainRequestGoesInAbsoluteForm() async throws {
        let origin = try await ClientTestOrigin.listen()
        let proxy = try await ClientTestProxy.listen()
        var configuration = TestClient.configuration()
        configuration.proxies = HTTPProxies(http: try proxy.proxy)
        let target = try origin.target("/hello?x=y")
        let connection = try await TestClient.connect(target, configuration)
        #expect(try await TestClient.get(connection, "/hello?x=y") == "hello")
        var requests = proxy.requests.makeAsyncIterator()
        let request = try #require(await requests.next())
        #expect(request.hasPrefix("GET \(target) HTTP/1.1\r\nHost: \(target.authority)\r\n"))
        #expect(request.contains("\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"))
        connection.close()
        try await proxy.server.stop()
        try await origin.stop()
    }

    @Test(arguments: [
        ("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nnope", 407),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 503),
    ])
    func refusalOfTheProxyIsTold(answer: String, status: Int) async throws {
        let error = try await Self.failure(answer: answer)
        guard case .tunnelRefused(_, status: status)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func proxyThatIsNoneIsTold() async throws {
        let garbage = try await Self.failure(answer: "SSH-2.0-x\r\n")
        #expect(garbage == .proxy("its answer is not HTTP but begins with \"SSH-2.0-x\\x0d\\x0a\""))
        let endless = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 20_000)
        #expect(try await Self.failure(answer: endless) == .headTooLarge(limit: TunnelNegotiation.headLimit))
        #expect(try await Self.failure(answer: nil) == .timedOut(.tunnel, seconds: 0.3))
    }

    private static func failure(answer: String?) async throws -> HTTPClientError? {
        await TestClient.makeCertificates()
        let server = try await ScriptedServer.answering(answer ?? "")
        var configuration = try TestClient.secure()
        configuration.timeouts.handshake = answer == nil ? .milliseconds(300) : .seconds(10)
        configuration.proxies = HTTPProxies(https: try HTTPProxy("127.0.0.1:\(server.port)"))
        let error = await TestClient.failure(try HTTPTarget("https://example.invalid/"), configuration)
        try await server.stop()
        return error
    }

    @Test(arguments: [
        (["HTTP/1.1 200 OK\r\n\r\n"], TunnelNegotiation.Progress.open(rest: [])),
        (["HTTP/1.1 200 OK\r\nA: b\r\n", "\r\n\u{1}\u{2}"], .open(rest: [1, 2])),
        (["HTTP/1.0 200\n\n"], .open(rest: [])),
        (["HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"], .open(rest: [])),
        (["HT", "TP/1.1 40", "3 No\r\n\r\n"], .refused(status: 403)),
        (["HTTP/1.1 OK\r\n\r\n"], .notHTTP(firstBytes: Array("HTTP/1.1 OK\r\n\r\n".utf8))),
        (["HTTX"], .notHTTP(firstBytes: Array("HTTX".utf8))),
        (["HTTP/1.1 200 OK\r\n"], .needsMore),
    ])
    func answerToCONNECTIsReadToItsLastByte(parts: [String], progress: TunnelNegotiation.Progress) {
        var negotiation = TunnelNegotiation()
        var last = TunnelNegotiation.Progress.needsMore
        for part in parts { last = negotiation.received(part.utf8) }
        #expect(last == progress)
    }
}
