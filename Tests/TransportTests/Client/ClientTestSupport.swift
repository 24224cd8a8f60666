// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix
import TestPrograms

@testable import Transport

extension HTTPClientConnection {
    /// All events of one request, by the low-level form.
    func events(_ request: HTTPClientRequest) async throws -> [HTTPResponseEvent] {
        let (stream, continuation) = AsyncStream.makeStream(of: HTTPResponseEvent.self)
        try await eventLoop.submit {
            _ = try self.link.start(request) { event in
                continuation.yield(event)
                if case .end = event { continuation.finish() }
            }
        }.get()
        return await stream.reduce(into: []) { $0.append($1) }
    }
}

extension HTTPResponseEvent {
    /// A word for it.
    var name: String {
        switch self {
        case .informational(let head), .head(let head): "\(head.status.code)"
        case .body(let bytes, _): String(buffer: bytes)
        case .end(.complete, _): "complete"
        case .end(.untilClose, _): "until close"
        case .end(.failed(let error), _): "\(error)"
        }
    }
}

/// Shorthand of the client's tests.
enum TestClient {
    static var loop: any EventLoop { MultiThreadedEventLoopGroup.singleton.next() }

    static func configuration(_ protocols: HTTPClientProtocols = .http1) -> HTTPClientConfiguration {
        HTTPClientConfiguration(protocols: protocols, tls: nil)
    }

    /// Trusts the tests' own authority.
    static func secure(_ protocols: HTTPClientProtocols = .negotiated) throws -> HTTPClientConfiguration {
        let authority = try TLSFixtures.files.authority
        return HTTPClientConfiguration(
            protocols: protocols, tls: TLSClientConfiguration(trust: .authorities(file: authority)))
    }

    static func connect(
        _ target: HTTPTarget, _ configuration: HTTPClientConfiguration = configuration()
    ) async throws -> HTTPClientConnection {
        try await HTTPClient(configuration).connect(to: target, on: loop)
    }

    /// The error of connecting and, if that works, of one GET with its whole body.
    static func failure(
        _ target: HTTPTarget, _ configuration: HTTPClientConfiguration = configuration()
    ) async -> HTTPClientError? {
        do throws(HTTPClientError) {
            let connection = try await HTTPClient(configuration).connect(to: target, on: loop)
            defer { connection.close() }
            _ = try await connection.request(HTTPClientRequest()).collect(upTo: 1 << 20)
            return nil
        } catch {
            return error
        }
    }

    /// The body as text.
    static func get(_ connection: HTTPClientConnection, _ path: String) async throws -> String {
        String(buffer: try await connection.request(HTTPClientRequest(path: path)).collect(upTo: 1 << 24))
    }

    /// Has the certificates made on a thread that may wait for it: the executor's two or three must go on.
    static func makeCertificates() async {
        await onOwnThread { _ = TLSFixtures.shared }
    }

    /// A port on which nobody listens: it was bound a moment ago.
    static func freePort() async throws -> Int {
        let server = try await ScriptedServer.listen { _, _ in }
        let port = server.port
        try await server.stop()
        return port
    }
}
