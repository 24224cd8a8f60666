// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#endif

/// Connects to HTTP/1.1 and HTTP/2 servers. Safe from any thread; holds no connections, only what they share: settings
/// and TLS sessions.
public struct HTTPClient: Sendable {
    public let configuration: HTTPClientConfiguration
    private let tls: TLSContext?

    /// Reads the files that TLS needs, which takes some milliseconds: make one client, not one per connection.
    /// - Throws: `.tls` for files that cannot be used.
    public init(_ configuration: HTTPClientConfiguration = HTTPClientConfiguration()) throws(HTTPClientError) {
        self.configuration = configuration
        guard var tls = configuration.tls else {
            self.tls = nil
            return
        }
        tls.applicationProtocols = configuration.protocols.names
        tls.handshakeTimeout = configuration.timeouts.handshake
        tls.allowsHalfClosure = false
        do throws(TLSError) {
            self.tls = try TLSContext(client: tls)
        } catch {
            throw .tls(error)
        }
    }

    /// Resolves, connects to one address after the other, goes through the proxy, does TLS, and waits for HTTP/2's
    /// SETTINGS; each step within its timeout.
    ///
    /// A cancelled task gets `.cancelled`, at the end of the step under way at the latest.
    public func connect(
        to target: HTTPTarget,
        on eventLoop: any EventLoop
    ) async throws(HTTPClientError) -> HTTPClientConnection {
        if target.scheme == .https, tls == nil { throw .tlsNotConfigured }
        let route = HTTPClientRoute(to: target, configuration: configuration)
        var phases = ConnectionPhases(started: Clock.monotonic())
        let addresses = try await HostResolver.resolve(
            route.proxy?.host ?? target.host,
            port: route.proxy?.port ?? target.port,
            timeout: configuration.timeouts.resolve,
            on: eventLoop
        )
        phases.resolved = Clock.monotonic()
        let plan = HTTPClientSetup.Plan(
            target: target, route: route, configuration: configuration, tls: target.scheme == .https ? tls : nil)
        var tried: [SocketAddress] = []
        var last: (any Error)?
        for address in addresses {
            if Task.isCancelled { throw .cancelled }
            tried.append(address)
            switch await attempt(address, plan: plan, phases: phases, on: eventLoop) {
            case .reached(.success(let connection)):
                guard Task.isCancelled else { return connection }
                connection.close()
                throw .cancelled
            case .reached(.failure(let error)): throw error
            case .notReached(let error): last = error
            }
        }
        throw failure(last, tried: tried)
    }

    private enum Attempt {
        /// TCP worked; the rest worked or not.
        case reached(Result<HTTPClientConnection, HTTPClientError>)
        /// Another address may do better.
        case notReached(any Error)
    }

    private func attempt(
        _ address: SocketAddress,
        plan: HTTPClientSetup.Plan,
        phases: ConnectionPhases,
        on eventLoop: any EventLoop
    ) async -> Attempt {
        let promise = eventLoop.makePromise(of: Result<HTTPClientConnection, HTTPClientError>.self)
        let ended = eventLoop.makePromise(of: HTTPConnectionEnd.self)
        let bootstrap = tuned(ClientBootstrap(group: eventLoop))
            .connectTimeout(configuration.timeouts.connect)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        HTTPClientSetup(plan: plan, phases: phases, promise: promise, ended: ended))
                }
            }
        do {
            _ = try await bootstrap.connect(to: address).get()
            return .reached(try await promise.futureResult.get())
        } catch {
            // Nobody else keeps these promises when the channel never became active.
            promise.succeed(.failure(.connectionClosing))
            ended.succeed(HTTPConnectionEnd(cause: .local))
            return .notReached(error)
        }
    }

    private func tuned(_ bootstrap: ClientBootstrap) -> ClientBootstrap {
        var bootstrap =
            bootstrap
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
            // A quiet peer is probed after 30 s, every 10 s, and given up with TCP_USER_TIMEOUT.
            let milliseconds = Int(configuration.timeouts.tcpUser.nanoseconds / 1_000_000)
            for (name, value) in [(TCP_KEEPIDLE, 30), (TCP_KEEPINTVL, 10), (TCP_USER_TIMEOUT, milliseconds)] {
                let option = ChannelOptions.Types.SocketOption(
                    level: .init(rawValue: CInt(IPPROTO_TCP)), name: .init(rawValue: name))
                bootstrap = bootstrap.channelOption(option, value: value)
            }
        #endif
        return bootstrap
    }

    private func failure(_ error: (any Error)?, tried: [SocketAddress]) -> HTTPClientError {
        let addresses = tried.map { "\($0.ipAddress ?? "?") port \($0.port ?? 0)" }.joined(separator: " and ")
        switch error {
        case ChannelError.connectTimeout(let time)?: return .timedOut(.connect, seconds: time.seconds)
        case let error as IOError where error.errnoCode == ECONNREFUSED: return .refused(addresses: addresses)
        case let error as IOError:
            return .unreachable(addresses: addresses, reason: String(cString: strerror(error.errnoCode)))
        default: return .unreachable(addresses: addresses, reason: error.map { "\($0)" } ?? "no address")
        }
    }
}
