// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The canary's own listener: `/metrics` and `/healthz`, over the transport's server.

import Logging
import NIOCore
import NIOHTTP1
import Origin
import Telemetry
import Transport

final class WatchListener: Application {
    private let loop: any EventLoop
    private let registry: MetricRegistry

    private init(loop: any EventLoop, registry: MetricRegistry) {
        self.loop = loop
        self.registry = registry
    }

    /// Connections at once: a scraper and a few people.
    private static let connectionLimit = 64

    static func listen(
        host: String,
        port: Int,
        registry: MetricRegistry,
        on loop: any EventLoop,
        logger: Logger
    ) async throws -> Listener {
        let server = try await loop.submit {
            let application = WatchListener(loop: loop, registry: registry)
            let server = ServerLoop(eventLoop: loop, application: application, limits: ServerLimits(), logger: logger)
            server.start()
            return NIOLoopBound(server, eventLoop: loop)
        }.get()
        var configuration = ListenerConfiguration(name: "metrics", host: host, port: port)
        configuration.maximumConnections = connectionLimit
        return try await Listener.bind(configuration, group: loop, admission: ConnectionAdmission()) { _ in
            server.value
        }
    }

    func plan(for head: RequestHead) -> RequestPlan {
        guard head.method == .GET || head.method == .HEAD else {
            return .refuse(.problem(.methodNotAllowed, detail: "Use GET.", headers: ["Allow": "GET, HEAD"]))
        }
        return .handle(bodyLimit: 0)
    }

    func handle(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        switch head.path {
        case "/metrics":
            let (registry, accept, coding) = (registry, head.headers["accept"], head.headers["accept-encoding"])
            let answer = loop.makeFutureWithTask {
                Response(await registry.scrape(accept: accept, acceptEncoding: coding))
            }
            answer.assumeIsolated().whenComplete { result in
                stream.respond((try? result.get()) ?? .problem(.internalServerError, detail: "The scrape failed."))
            }
        case "/healthz": stream.respond(Response(status: .ok, body: ByteBuffer(string: "ok\n")))
        default: stream.respond(.problem(.notFound, detail: "There are /metrics and /healthz here."))
        }
    }

    // No streams here, so these never come.
    func streamBecameWritable(_ token: StreamToken) {}
    func streamEnded(_ token: StreamToken, _ end: StreamEnd) {}
}
