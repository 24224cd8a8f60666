// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// Carries a load plan out: asks for one stream first, so that a wrong URL is one line and not ten thousand, then lets
/// an attacker loose on each loop and collects their figures every second.
public struct LoadRun: Sendable {
    public let plan: LoadPlan

    public init(_ plan: LoadPlan) {
        self.plan = plan
    }

    /// What a run leaves, also one that was cancelled.
    public struct Outcome: Sendable {
        public let plan: LoadPlan
        /// Why there was no run at all.
        public var failure: ProbeError?
        var applicationProtocol: ApplicationProtocol?
        var sums = LoadFigures()
        /// Of the time when all streams were to be open.
        var hold = Window()
        public var seconds: [LoadSecond] = []
        var clockError: Int64?
        var knowsClock = false

        struct Window: Sendable {
            var seconds = 0.0
            var events: UInt64 = 0
            var bytes: UInt64 = 0
            var cpuSeconds = 0.0
            var delivery = LatencyHistogram()
        }
    }

    /// - Parameters:
    ///   - group: with as many loops as the plan has.
    ///   - progress: told every second.
    public func run(on group: any EventLoopGroup, progress: @Sendable (LoadSecond) -> Void) async -> Outcome {
        var outcome = Outcome(plan: plan)
        let clients: [HTTPClient]
        do throws(ProbeError) {
            let agreed = try await preflight(on: group.next())
            outcome.applicationProtocol = agreed
            clients = try LoadRole.allCases.map { role throws(ProbeError) in try client(for: role, over: agreed) }
        } catch {
            outcome.failure = error
            return outcome
        }
        let clock = await LoadClock(plan.path.target, client: clients[0], on: group.next())
        outcome.knowsClock = clock.isKnown
        outcome.clockError = clock.error
        let start = Clock.monotonic() + Self.lead
        var loops = group.makeIterator()
        var attackers: [NIOLoopBound<LoadAttacker>] = []
        for share in 0..<max(plan.loops, 1) {
            guard let loop = loops.next() else { break }
            let (plan, agreed) = (plan, outcome.applicationProtocol ?? .http11)
            let made = try? await loop.submit {
                let attacker = LoadAttacker(
                    plan: plan, share: share, clients: clients, applicationProtocol: agreed, loop: loop, start: start)
                attacker.clockOffset = clock.offset(at: start)
                attacker.begin()
                return NIOLoopBound(attacker, eventLoop: loop)
            }.get()
            if let made { attackers.append(made) }
        }
        await collect(attackers, start: start, clock: clock, into: &outcome, progress: progress)
        for attacker in attackers { await Self.onLoop(attacker) { $0.stop() } }
        await Self.waitForEnds(attackers)
        return outcome
    }

    /// Until all connections are closed: their loops may end after that. Bound: connections on their way to a server
    /// that does not answer are not waited for.
    private static func waitForEnds(_ attackers: [NIOLoopBound<LoadAttacker>]) async {
        let limit = Clock.monotonic() + 3_000_000_000
        for attacker in attackers {
            while Clock.monotonic() < limit, await onLoop(attacker, { $0.isOver }) == false {
                // The task may be cancelled already, and a sleep of its own would end at once.
                await Task { try? await Task.sleep(for: .milliseconds(5)) }.value
            }
        }
    }

    /// So that all loops begin at the same time.
    private static let lead: Int64 = 20_000_000

    // MARK: Before

    /// One stream, opened and dropped: whether there is anything to load.
    private func preflight(on loop: any EventLoop) async throws(ProbeError) -> ApplicationProtocol {
        let connection: HTTPClientConnection
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            connection = try await HTTPClient(plan.client).connect(to: plan.path.target, on: loop)
            response = try await connection.request(plan.path.request())
        } catch {
            throw .connection(error)
        }
        defer { connection.close() }
        try await ResponseCheck.check(response)
        // Bodies are read as they are.
        let coding = response.head.headers[canonicalForm: "content-encoding"].joined(separator: ", ").lowercased()
        if !["", "identity"].contains(coding) { throw .unknownCoding(ResponseCheck.printable(coding)) }
        return connection.applicationProtocol == .http2 ? .http2 : .http11
    }

    private func client(
        for role: LoadRole,
        over applicationProtocol: ApplicationProtocol
    ) throws(ProbeError) -> HTTPClient {
        var configuration = plan.client
        configuration.protocols = applicationProtocol == .http2 ? .http2 : .http1
        switch role {
        case .reader: break
        case .slow:
            // What is not read must stop the server, not fill our memory.
            configuration.limits.streamWindow = 0
            configuration.limits.bodyBuffer = 1
        case .halfDead: configuration.timeouts.tcpUser = .zero
        }
        do throws(HTTPClientError) {
            return try HTTPClient(configuration)
        } catch {
            throw .connection(error)
        }
    }
}
