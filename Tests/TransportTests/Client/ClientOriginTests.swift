// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Testing

@testable import Transport

/// Against the package's own server, over every protocol that both speak.
@Suite(.timeLimit(.minutes(1))) struct ClientOriginTests {
    enum Way: String, CaseIterable, Sendable {
        case h1, h1TLS, h2c, h2TLS

        var isTLS: Bool { self == .h1TLS || self == .h2TLS }
        var isHTTP2: Bool { self == .h2c || self == .h2TLS }
    }

    static func open(_ way: Way) async throws -> (ListeningOrigin, HTTPClientConnection) {
        await TestClient.makeCertificates()
        let origin = try await ClientTestOrigin.listen(certificates: way.isTLS ? try TLSFixtures.files.local : nil)
        let protocols: HTTPClientProtocols = way.isHTTP2 ? .http2 : .http1
        let configuration = way.isTLS ? try TestClient.secure(protocols) : TestClient.configuration(protocols)
        let target = try origin.target("/hello", scheme: way.isTLS ? "https" : "http", host: "localhost")
        return (origin, try await TestClient.connect(target, configuration))
    }

    @Test(arguments: Way.allCases)
    func answerComesWithEveryPhaseInOrder(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        let response = try await connection.request(HTTPClientRequest())
        #expect(response.head.status == .ok)
        #expect(response.head.applicationProtocol == (way.isHTTP2 ? .http2 : .http11))
        #expect((connection.tls != nil) == way.isTLS)
        var chunks = response.body.makeAsyncIterator()
        let chunk = try #require(try await chunks.next())
        #expect(String(buffer: chunk.bytes) == "hello")
        #expect(try await chunks.next() == nil)
        #expect(response.body.end == .complete(trailers: [:]))

        var phases = response.phases
        phases.firstByteReceived = chunk.arrival.time
        let made = try #require(phases.connection)
        var stamps = [made.started, made.resolved, made.connected]
        if way.isTLS { stamps.append(made.secured) } else { #expect(made.handshake == nil) }
        if way.isHTTP2 { stamps.append(made.settingsReceived) } else { #expect(made.settings == nil) }
        stamps += [phases.requestWritten, phases.headReceived, phases.firstByteReceived]
        #expect(!stamps.contains(nil))
        #expect(stamps.compactMap { $0 } == stamps.compactMap { $0 }.sorted())
        #expect(made.tunnel == nil)
        #expect(try #require(phases.requestToHead) > 0)
        connection.close()
        #expect(await connection.end().cause == .local)
        try await origin.stop()
    }

    @Test(arguments: Way.allCases)
    func connectionIsKeptAndItsMakingIsTimedOnce(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        var connections: Set<String> = []
        for number in 1...3 {
            let request = HTTPClientRequest(
                .POST, path: "/echo", headers: ["X-Number": "\(number)"], body: ByteBuffer(string: "body \(number)"))
            let response = try await connection.request(request)
            #expect((response.phases.connection != nil) == (number == 1))
            #expect(response.head.headers.first(name: "x-request-number") == "\(number)")
            #expect(response.head.headers.first(name: "x-echo-x-number") == "\(number)")
            connections.formUnion(response.head.headers["x-connection"])
            #expect(String(buffer: try await response.collect(upTo: 100)) == "body \(number)")
        }
        #expect(connections.count == 1)
        connection.close()
        try await origin.stop()
    }

    /// Larger than every window and buffer on the way, in both directions.
    @Test(arguments: Way.allCases)
    func largeBodiesGoBothWays(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        var body = ByteBuffer()
        for word in 0..<500_000 { body.writeInteger(UInt64(word) &* 0x9e37_79b9_7f4a_7c15) }
        let response = try await connection.request(HTTPClientRequest(.PUT, path: "/echo", body: body))
        #expect(try await response.collect(upTo: 8 << 20) == body)
        connection.close()
        try await origin.stop()
    }

    @Test(arguments: Way.allCases)
    func streamOfManyMessagesArrivesWhole(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        let text = try await TestClient.get(connection, "/events/20000")
        #expect(text == String(repeating: "event\n", count: 20_000))
        connection.close()
        try await origin.stop()
    }

    @Test(arguments: Way.allCases)
    func redirectIsReportedNotFollowed(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        let response = try await connection.request(HTTPClientRequest(path: "/redirect"))
        #expect(response.head.status == .found)
        #expect(response.head.headers.first(name: "location") == "/hello")
        _ = try await response.collect(upTo: 10)
        #expect(try await TestClient.get(connection, "/hello") == "hello")
        connection.close()
        try await origin.stop()
    }

    @Test(arguments: Way.allCases)
    func silentServerRunsIntoTheHeadTimeout(way: Way) async throws {
        await TestClient.makeCertificates()
        let origin = try await ClientTestOrigin.listen(certificates: way.isTLS ? try TLSFixtures.files.local : nil)
        let protocols: HTTPClientProtocols = way.isHTTP2 ? .http2 : .http1
        var configuration = way.isTLS ? try TestClient.secure(protocols) : TestClient.configuration(protocols)
        configuration.timeouts.responseHead = .milliseconds(100)
        let target = try origin.target("/silent", scheme: way.isTLS ? "https" : "http")
        #expect(await TestClient.failure(target, configuration) == .timedOut(.responseHead, seconds: 0.1))
        try await origin.stop()
    }

    @Test(arguments: Way.allCases)
    func deadlineEndsAStream(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        await #expect(throws: HTTPClientError.timedOut(.response, seconds: 0.2)) {
            let request = HTTPClientRequest(path: "/endless", deadline: .milliseconds(200))
            _ = try await connection.request(request).collect(upTo: 100)
        }
        connection.close()
        try await origin.stop()
    }

    @Test(arguments: Way.allCases)
    func bodyOverTheBoundIsRefused(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        let response = try await connection.request(HTTPClientRequest(path: "/flood"))
        await #expect(throws: HTTPClientError.bodyTooLarge(limit: 100_000)) {
            try await response.collect(upTo: 100_000)
        }
        if way.isHTTP2 {
            #expect(try await TestClient.get(connection, "/hello") == "hello")
        } else {
            #expect(await connection.end().cause == .local)
        }
        connection.close()
        try await origin.stop()
    }

    /// The server's own view: a stream that is not consumed is blocked, and does not pile up here.
    @Test(arguments: Way.allCases)
    func slowConsumerStopsTheServerAndNotTheConnection(way: Way) async throws {
        let (origin, connection) = try await Self.open(way)
        let response = try await connection.request(HTTPClientRequest(path: "/flood"))
        var chunks = response.body.makeAsyncIterator()
        var bytes = 0
        while bytes < 4 << 20, let chunk = try await chunks.next() {
            #expect(chunk.bytes.readableBytesView.allSatisfy { $0 == UInt8(ascii: "x") })
            bytes += chunk.bytes.readableBytes
        }
        if way.isHTTP2 {
            #expect(try await TestClient.get(connection, "/hello") == "hello")
        }
        connection.close()
        try await origin.stop()
    }

    @Test func alpnChoosesHTTP2WhenBothSpeakIt() async throws {
        await TestClient.makeCertificates()
        let origin = try await ClientTestOrigin.listen(certificates: try TLSFixtures.files.local)
        let target = try origin.target("/hello", scheme: "https")
        let connection = try await TestClient.connect(target, try TestClient.secure())
        #expect(connection.applicationProtocol == .http2)
        #expect(connection.tls?.applicationProtocol == "h2")
        #expect(try await TestClient.get(connection, "/hello") == "hello")
        connection.close()
        try await origin.stop()
    }

    @Test func clientCertificateOpensTheDoor() async throws {
        await TestClient.makeCertificates()
        let files = try TLSFixtures.files
        let origin = try await ClientTestOrigin.listen(certificates: files.local, clientAuthorities: files.authority)
        let target = try origin.target("/hello", scheme: "https")
        var configuration = try TestClient.secure()
        configuration.tls?.certificate = files.client
        let connection = try await TestClient.connect(target, configuration)
        #expect(try await TestClient.get(connection, "/hello") == "hello")
        connection.close()
        #expect(await TestClient.failure(target, try TestClient.secure(.http1)) != nil)
        try await origin.stop()
    }
}
