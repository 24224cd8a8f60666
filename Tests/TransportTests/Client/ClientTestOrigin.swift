// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

@testable import Transport

/// The package's own server with a small application behind it, for a client to talk to.
///
///     /hello          200 "hello"
///     /echo           200 with the request's body, and its fields as x-echo-NAME
///     /redirect       302 to /hello
///     /silent         no answer, ever
///     /events/N       a stream of N messages of 6 bytes, then its end
///     /endless        a stream with one message that stays open
///     /flood          a stream that always has more to say
final class ClientTestOrigin: Application {
    private var sources: [StreamToken: (ServerStream, Source)] = [:]
    private var nextToken: Int32 = 0
    private let loop: any EventLoop

    private init(loop: any EventLoop) {
        self.loop = loop
    }

    /// A loaded machine must not make the server give up on a client.
    static var patientLimits: ServerLimits {
        var limits = ServerLimits()
        limits.headerTimeout = .nanoseconds(seconds: 60)
        limits.bodyTimeout = .nanoseconds(seconds: 60)
        return limits
    }

    static func listen(
        certificates: TLSServerConfiguration.CertificateFiles? = nil,
        clientAuthorities: String? = nil,
        limits: ServerLimits = patientLimits,
        on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    ) async throws -> ListeningOrigin {
        var configuration = ListenerConfiguration(name: "test", host: "127.0.0.1", port: 0)
        if let certificates {
            var tls = TLSServerConfiguration(certificates: [certificates])
            tls.clientAuthorities = clientAuthorities
            configuration.certificates = try CertificateReloader(configuration: tls)
        }
        let server = try await loop.submit {
            let server = ServerLoop(
                eventLoop: loop, application: ClientTestOrigin(loop: loop), limits: limits,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            server.start()
            return NIOLoopBound(server, eventLoop: loop)
        }.get()
        let listener = try await Listener.bind(configuration, group: loop, admission: ConnectionAdmission()) { _ in
            server.value
        }
        return ListeningOrigin(listener: listener, server: server, loop: loop)
    }

    func plan(for head: RequestHead) -> RequestPlan { .handle(bodyLimit: 8 << 20) }

    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        let path = head.path.split(separator: "/").map(String.init)
        switch path.first {
        case "hello": stream.respond(Response(status: .ok, body: ByteBuffer(string: "hello")))
        case "echo":
            var response = Response(status: .ok, body: body)
            for (name, value) in head.headers where name.lowercased().hasPrefix("x-") {
                response.headers.add(name: "x-echo-\(name)", value: value)
            }
            response.headers.add(name: "x-request-number", value: "\(head.requestNumber)")
            response.headers.add(name: "x-connection", value: "\(head.connection.id)")
            stream.respond(response)
        case "redirect": stream.respond(Response(status: .found, headers: ["Location": "/hello"]))
        case "silent": break
        case "events": open(stream, Source(text: "event\n", remaining: Int(path.last ?? "") ?? 0, finishes: true))
        case "endless": open(stream, Source(text: "event\n", remaining: 1, finishes: false))
        case "flood": open(stream, Source(text: String(repeating: "x", count: 8_192), remaining: .max, finishes: false))
        default: stream.respond(Response(status: .notFound))
        }
    }

    private struct Source {
        let text: String
        var remaining: Int
        let finishes: Bool
    }

    private func open(_ stream: ServerStream, _ source: Source) {
        nextToken += 1
        let token = StreamToken(slot: nextToken, generation: 1)
        let head = Response(status: .ok, headers: ["Content-Type": "text/event-stream"])
        stream.open(head, token: token, preamble: ByteBuffer())
        sources[token] = (stream, source)
        streamBecameWritable(token)
    }

    func streamBecameWritable(_ token: StreamToken) {
        guard let (stream, source) = sources[token] else { return }
        let message = ByteBuffer(string: source.text)
        message.withUnsafeReadableBytes { bytes in
            for _ in 0..<64 {
                guard let left = sources[token]?.1.remaining, left > 0, stream.send(bytes) else { return }
                sources[token]?.1.remaining -= 1
            }
            // A kernel that always takes more would keep the loop here for ever.
            loop.assumeIsolated().execute { self.streamBecameWritable(token) }
        }
        guard source.finishes, sources[token]?.1.remaining == 0 else { return }
        sources[token] = nil
        stream.finish(nil)
    }

    func streamEnded(_ token: StreamToken, _ end: StreamEnd) {
        sources[token] = nil
    }
}

/// A listening `ClientTestOrigin`.
struct ListeningOrigin: Sendable {
    let listener: Listener
    let server: NIOLoopBound<ServerLoop>
    let loop: any EventLoop

    func target(_ path: String, scheme: String = "http", host: String = "127.0.0.1") throws -> HTTPTarget {
        try HTTPTarget("\(scheme)://\(host):\(listener.address.port ?? 0)\(path)")
    }

    /// Ends the idle connections, and has the others end after their streams: GOAWAY in HTTP/2.
    func drain() async throws {
        try await loop.submit { server.value.closeIdleConnections(of: "test") }.get()
    }

    func closeAll() async throws {
        try await loop.submit { server.value.closeAll() }.get()
    }

    func stop() async throws {
        await listener.close()
        try await loop.submit {
            server.value.closeAll()
            server.value.stop()
        }.get()
    }
}
