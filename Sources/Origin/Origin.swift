// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The origin as its owner sees it: start, drain, stop.

import Logging
import NIOCore
import Synchronization
import Telemetry
import Transport

/// Serves streams on a public listener and answers operators on an admin listener. Safe from any thread; ``start()``
/// once, then ``drain()`` or ``stop()``.
public final class Origin: Sendable {
    /// Where an origin listens, with the real ports.
    public struct Endpoints: Sendable {
        public let http: SocketAddress
        /// `nil` without a certificate.
        public let https: SocketAddress?
        public let admin: SocketAddress
        /// Sends to many sockets go through io_uring: it was asked for, and the kernel lets us.
        public let usesIOUring: Bool
    }

    private let configuration: OriginConfiguration
    private let group: any EventLoopGroup
    private let shared: OriginShared
    private let running = Mutex<Running?>(nil)

    private struct Running: Sendable {
        let directory: ShardDirectory
        let admin: Listener
        let open: [Listener]
        /// Gives ended streams their verdicts, off the event loops.
        let settling: Task<Void, Never>
        /// Gives memory back after a storm.
        let watching: Task<Void, Never>
        /// Looks for new certificates, off the event loops.
        let reloading: Task<Void, Never>?
    }

    /// - Parameter group: its loops share the connections; the origin does not shut it down.
    /// - Throws: a `MetricProblem` if the registry has metrics of the same names: one origin for each registry.
    public init(
        configuration: OriginConfiguration,
        group: any EventLoopGroup,
        telemetry: OriginTelemetry,
        logger: Logger
    ) throws(MetricProblem) {
        self.configuration = configuration
        self.group = group
        self.shared = OriginShared(
            configuration: configuration,
            metrics: try MetricBook(registry: telemetry.registry, dynamic: telemetry.dynamic),
            telemetry: telemetry,
            loopCount: Array(group.makeIterator()).count,
            logger: logger
        )
    }

    /// Binds both listeners and starts to serve.
    /// - Throws: the socket's error if an address cannot be bound; `TLSError` if a certificate cannot be used.
    public func start() async throws -> Endpoints {
        let certificates = try self.configuration.tls.map { try CertificateReloader(configuration: $0) }
        let directory = try await self.makeShards()
        let shared = self.shared
        try shared.metrics.register(
            directory, isDraining: { shared.isDraining }, configuration: self.configuration)
        var open = self.listener(ListenerName.open, host: self.configuration.host, port: self.configuration.port)
        open.expectsProxyProtocol = self.configuration.proxyProtocol
        open.maximumConnections = self.configuration.maximumConnections
        let admin = self.listener(
            ListenerName.admin, host: self.configuration.adminHost, port: self.configuration.adminPort
        )
        var listeners: [Listener] = []
        do {
            listeners.append(try await self.bind(open, admission: self.shared.connections, directory: directory))
            listeners.append(try await self.bind(admin, admission: ConnectionAdmission(), directory: directory))
            if let certificates {
                open.port = self.configuration.tlsPort
                open.certificates = certificates
                listeners.append(try await self.bind(open, admission: self.shared.connections, directory: directory))
            }
        } catch {
            for listener in listeners { await listener.close() }
            _ = try? await directory.collect { $0.stop() }
            throw error
        }
        let usesIOUring = try await directory.collect { $0.server?.sends?.isInUse ?? false }.allSatisfy { $0 }
        let closes = self.shared.closes
        let settling = Task { await closes.settleAsTheyCome() }
        let watching = Task {
            var storm = StormWatch()
            while (try? await Task.sleep(for: StormWatch.interval)) != nil {
                let open = shared.connections.activeConnections + Int(shared.streams.counts.active)
                if storm.isOver(open: open, now: Clock.monotonic()) { await shared.giveBackMemory(directory) }
            }
        }
        self.running.withLock {
            $0 = Running(
                directory: directory,
                admin: listeners[1],
                open: [listeners[0]] + listeners[2...],
                settling: settling,
                watching: watching,
                reloading: certificates.map(self.reload)
            )
        }
        return Endpoints(
            http: listeners[0].address,
            https: certificates == nil ? nil : listeners.last?.address,
            admin: listeners[1].address,
            usesIOUring: usesIOUring
        )
    }

    /// Ends every stream within the drain window, then everything else. The public listener closes first: a client
    /// that is refused a connection comes back later, while one that is answered 503 may give up for good
    /// (EventSource does).
    public func drain() async {
        guard self.shared.startDraining(), let running = self.running.withLock({ $0 }) else { return }
        let now = Clock.monotonic()
        let end = now + .nanoseconds(seconds: self.configuration.drainWindow)
        self.shared.logger.info(
            "draining",
            metadata: [
                "streams": "\(self.shared.streams.counts.active)",
                "window_seconds": "\(self.configuration.drainWindow)",
            ]
        )
        for listener in running.open { await listener.close() }
        _ = try? await running.directory.collect { $0.startDraining(until: end) }
        // Streams that would not take their last bytes are cut a second after the window.
        await self.wait(until: end + 2_000_000_000) { self.shared.streams.counts.active == 0 }
        // What was written last is still on its way to peers who have not closed their side yet.
        await self.wait(until: Clock.monotonic() + 1_000_000_000) { self.shared.connections.activeConnections == 0 }
        await self.stop()
    }

    /// Ends everything at once.
    public func stop() async {
        let running = self.running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        for listener in running.open + [running.admin] { await listener.close() }
        _ = try? await running.directory.collect { $0.shutDown() }
        // Connections tell of their ends in later turns, and their spans are to be handed over before the loops' stop.
        await self.wait(until: Clock.monotonic() + 1_000_000_000) {
            let open = (try? await running.directory.collect { $0.server?.connectionCount ?? 0 }) ?? []
            return open.allSatisfy { $0 == 0 }
        }
        _ = try? await running.directory.collect { $0.stop() }
        running.reloading?.cancel()
        running.watching.cancel()
        running.settling.cancel()
        await running.settling.value
        self.shared.closes.flush()
    }

    /// A certificate that is renewed on disk is in use within ten seconds; one that cannot be used changes nothing.
    private func reload(_ certificates: CertificateReloader) -> Task<Void, Never> {
        let logger = self.shared.logger
        return Task {
            while (try? await Task.sleep(for: .seconds(10))) != nil {
                switch certificates.check() {
                case .unchanged: break
                case .reloaded(let summaries):
                    logger.info("certificates reloaded", metadata: ["count": "\(summaries.count)"])
                case .failed(let error):
                    logger.error("new certificates not usable; the old ones stay", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func makeShards() async throws -> ShardDirectory {
        var shards: [NIOLoopBound<Shard>] = []
        for (index, loop) in self.group.makeIterator().enumerated() {
            let shared = self.shared
            let afterPoll = try await AfterPoll.make(on: loop)
            shards.append(
                try await loop.submit {
                    let shard = Shard(index: index, loop: loop, shared: shared, afterPoll: afterPoll.value)
                    return NIOLoopBound(shard, eventLoop: loop)
                }.get()
            )
        }
        let directory = ShardDirectory(shards: shards)
        let limits = self.configuration.limits
        let logger = self.shared.logger
        _ = try await directory.collect { shard in
            shard.directory = directory
            let server = ServerLoop(eventLoop: shard.loop, application: shard, limits: limits, logger: logger)
            shard.server = server
            Heap.reserve()
            server.start()
            shard.startSweeping()
        }
        return directory
    }

    private func listener(_ name: String, host: String, port: Int) -> ListenerConfiguration {
        var listener = ListenerConfiguration(name: name, host: host, port: port)
        listener.tcpUserTimeoutMilliseconds = Int(self.configuration.tcpUserTimeout * 1000)
        return listener
    }

    private func bind(
        _ listener: ListenerConfiguration,
        admission: ConnectionAdmission,
        directory: ShardDirectory
    ) async throws -> Listener {
        let shards = Dictionary(
            uniqueKeysWithValues: directory.shards.map { (ObjectIdentifier($0.eventLoop), $0) }
        )
        return try await Listener.bind(listener, group: self.group, admission: admission) { loop in
            shards[ObjectIdentifier(loop)]?.value.server
        }
    }

    private func wait(until deadline: Int64, _ isDone: () async -> Bool) async {
        while !(await isDone()), Clock.monotonic() < deadline {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }
}
