// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Testing

@testable import Transport

/// Servers that are not ours, so that client and server do not share their mistakes.
@Suite(.timeLimit(.minutes(2))) struct ClientForeignServerTests {
    /// Echoes bodies, by NIOHTTP2's own frames, HPACK state, windows and checks.
    private static func nioServer() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.configureHTTP2Pipeline(mode: .server) { stream in
                    stream.eventLoop.makeCompletedFuture {
                        try stream.pipeline.syncOperations.addHandlers(
                            HTTP2FramePayloadToHTTP1ServerCodec(), Echo())
                    }
                }.map { _ in }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                let response = HTTPResponseHead(version: .http2, status: .ok, headers: ["x-path": head.uri])
                context.write(wrapOutboundOut(.head(response)), promise: nil)
            case .body(let bytes): context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
            case .end: context.writeAndFlush(wrapOutboundOut(.end(["x-trailer": "yes"])), promise: nil)
            }
        }
    }

    @Test func nioHTTP2ServesManyUploadsAtOnce() async throws {
        let server = try await Self.nioServer()
        let target = try HTTPTarget("http://127.0.0.1:\(server.localAddress?.port ?? 0)/")
        let connection = try await TestClient.connect(target, TestClient.configuration(.http2))
        // NIOHTTP2 allows 100 streams and windows of 65,535 bytes.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let body = ByteBuffer(repeating: UInt8(number), count: 200_000)
                    let response = try await connection.request(
                        HTTPClientRequest(.POST, path: "/\(number)", headers: ["Cookie": "a=\(number)"], body: body))
                    #expect(response.head.headers.first(name: "x-path") == "/\(number)")
                    #expect(try await response.collect(upTo: 1 << 20) == body)
                    #expect(response.body.end == .complete(trailers: ["x-trailer": "yes"]))
                }
            }
            try await group.waitForAll()
        }
        connection.close()
        try await server.close()
    }

    @Test func nghttpdServesFilesOverTLSAndCleartext() async throws {
        await TestClient.makeCertificates()
        let files = try TLSFixtures.files
        let expected = try String(contentsOfFile: files.authority, encoding: .utf8)
        for isTLS in [false, true] {
            let options = isTLS ? [files.local.key, files.local.certificate] : ["--no-tls"]
            let port = try await TestClient.freePort()
            // nghttpd does not say when it listens: a shell beside it asks until it answers, or for twenty seconds.
            let script = """
                (for _ in {1..400}; do
                    (exec 3<>/dev/tcp/127.0.0.1/\(port)) 2>/dev/null && echo "ACCEPT 127.0.0.1:\(port)" && break
                    sleep 0.05
                done) &
                export PATH=$PATH:/usr/sbin
                exec nghttpd --address=127.0.0.1 -d \(files.directory) \(port) \(options.joined(separator: " "))
                """
            let server = try await ForeignServer("bash", ["-c", script])
            let target = try HTTPTarget("\(isTLS ? "https" : "http")://127.0.0.1:\(port)/authority.pem")
            let configuration = isTLS ? try TestClient.secure(.negotiated) : TestClient.configuration(.http2)
            let connection = try await TestClient.connect(target, configuration)
            #expect(connection.applicationProtocol == .http2)
            for _ in 0..<3 { #expect(try await TestClient.get(connection, target.path) == expected) }
            let missing = try await connection.request(HTTPClientRequest(path: "/none"))
            #expect(missing.head.status == .notFound)
            let head = try await connection.request(HTTPClientRequest(.HEAD))
            #expect(head.head.headers.first(name: "content-length") == "\(expected.utf8.count)")
            #expect(try await head.collect(upTo: 0).readableBytes == 0)
            connection.close()
            server.stop()
        }
    }

    /// `http.server`: HTTP/1.0 by default, whose body ends with the connection unless a length is given.
    @Test(arguments: ["HTTP/1.0", "HTTP/1.1"])
    func pythonServesFiles(version: String) async throws {
        await TestClient.makeCertificates()
        let files = try TLSFixtures.files
        let script = """
            import functools, http.server, sys
            handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
            http.server.SimpleHTTPRequestHandler.protocol_version = sys.argv[2]
            with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
                print(f"ACCEPT 127.0.0.1:{server.server_address[1]}", flush=True)
                server.serve_forever()
            """
        let server = try await ForeignServer("python3", ["-c", script, files.directory, version])
        let target = try HTTPTarget("http://127.0.0.1:\(server.port)/authority.pem")
        let connection = try await TestClient.connect(target)
        let expected = try String(contentsOfFile: files.authority, encoding: .utf8)
        #expect(try await TestClient.get(connection, target.path) == expected)
        if version == "HTTP/1.1" {
            #expect(try await TestClient.get(connection, target.path) == expected)
            connection.close()
        }
        #expect(await connection.end().cause == .local)
        server.stop()
    }
}
