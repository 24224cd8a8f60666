// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Synchronization
import Transport

/// The connections of one path. Over HTTP/1.1 each stream gets its own; over HTTP/2 streams share one until the server
/// takes no more on it. Streams that come at once wait for one connection attempt.
public actor PathConnections {
    public struct Lease: Sendable {
        public let connection: HTTPClientConnection
        /// Counted over the whole process, from 1.
        public let number: Int
        /// Which request on the connection this lease is for, from 1.
        public let request: Int
        /// When the making of the connection began, if it was made for this lease.
        let started: Int64?
    }

    private let client: HTTPClient
    private let path: ProbePath
    private let group: any EventLoopGroup
    private var shared: Lease?
    /// Requests on the shared connection.
    private var requests = 0
    private var connecting: Task<Result<Lease, HTTPClientError>, Never>?
    private static let numbers = Atomic<Int>(0)

    public init(client: HTTPClient, path: ProbePath, group: any EventLoopGroup) {
        self.client = client
        self.path = path
        self.group = group
    }

    /// A connection that takes one more request.
    public func lease() async throws(HTTPClientError) -> Lease {
        if let shared, await isAvailable(shared.connection) {
            return again(shared)
        }
        // One that another stream waits for serves this one too, if it turns out to carry many.
        if let connecting {
            if case .success(let lease) = await connecting.value, lease.connection.applicationProtocol == .http2 {
                return again(lease)
            }
            return try await connect()
        }
        if path.protocols == .http1 || (path.protocols == .negotiated && path.target.scheme == .http) {
            return try await connect()
        }
        let attempt = Task { () async -> Result<Lease, HTTPClientError> in
            do throws(HTTPClientError) { return .success(try await self.connectShared()) } catch {
                return .failure(error)
            }
        }
        connecting = attempt
        let outcome = await withTaskCancellationHandler {
            await attempt.value
        } onCancel: {
            attempt.cancel()
        }
        connecting = nil
        return try outcome.get()
    }

    /// Shared before anybody who waited for it goes on.
    private func connectShared() async throws(HTTPClientError) -> Lease {
        let lease = try await connect()
        if lease.connection.applicationProtocol == .http2 {
            shared = lease
            requests = 1
        }
        return lease
    }

    /// One more request on a connection that is there.
    private func again(_ lease: Lease) -> Lease {
        requests += 1
        return Lease(connection: lease.connection, number: lease.number, request: requests, started: nil)
    }

    private func connect() async throws(HTTPClientError) -> Lease {
        let started = Clock.monotonic()
        let connection = try await client.connect(to: path.target, on: group.next())
        let number = Self.numbers.add(1, ordering: .relaxed).newValue
        return Lease(connection: connection, number: number, request: 1, started: started)
    }

    private func isAvailable(_ connection: HTTPClientConnection) async -> Bool {
        (try? await connection.eventLoop.submit { connection.link.isAvailable }.get()) ?? false
    }

    /// Ends the shared connection; those of HTTP/1.1 end with their streams.
    public func close() {
        shared?.connection.close()
        shared = nil
    }
}
