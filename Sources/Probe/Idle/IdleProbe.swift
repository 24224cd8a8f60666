// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Transport

/// Holds streams on a path until its timers are known: opens what ``IdleCampaign`` asks for, and keeps what came of it.
public struct IdleProbe: Sendable {
    /// What a run leaves.
    public struct Outcome: Sendable {
        public var path: ProbePath
        public var upTo: Double
        public var duration = 0.0
        public var source = IdleCampaign.Source.asIs
        public var streams: [HeldStream] = []
        /// Of the first response.
        public var headers: HTTPHeaders = [:]
        public var connection: ConnectionRecord?
        /// Why the named stream could not be held, or what became of streams that were asked for later.
        public var failures: [ProbeError] = []
    }

    public let path: ProbePath
    public let client: HTTPClient
    public let group: any EventLoopGroup
    public let upTo: Double
    /// Hold the named stream and no other, whoever serves it.
    public var holdsAsIs = false

    private static let tick = Duration.milliseconds(50)

    public init(path: ProbePath, client: HTTPClient, group: any EventLoopGroup, upTo: Double) {
        self.path = path
        self.client = client
        self.group = group
        self.upTo = upTo
    }

    /// Ends early when both timers are known, or with what it has when its task is cancelled.
    /// - Parameter watch: where a live view looks.
    public func run(watch: IdleWatch? = nil) async -> Outcome {
        var run = Run(probe: self)
        await run.look()
        if run.outcome.failures.isEmpty { await run.hold(watch) }
        return await run.finish()
    }

    /// One run: the streams it has opened and what it knows of them.
    private struct Run {
        let probe: IdleProbe
        // Of samples nothing is needed: when bytes came is in the streams' records.
        let recording = Recording(limit: 0)
        let start = Clock.monotonic()
        var outcome: Outcome
        private var roles: [HeldStream.Role] = []
        private var tasks: [Task<Void, Never>] = []
        private var ours: HeadwaterStreams?
        private let siblings: PathConnections

        init(probe: IdleProbe) {
            self.probe = probe
            outcome = Outcome(path: probe.path, upTo: probe.upTo)
            siblings = PathConnections(client: probe.client, path: probe.path, group: probe.group)
        }

        private var now: Double { (Clock.monotonic() - start).seconds }

        /// Opens the named stream and waits for its response, which shows whose it is.
        mutating func look() async {
            open(.asIs, path: probe.path, connections: nil)
            var record = recording.snapshot().streams.first
            while record == nil || (record?.status == nil && record?.ended == nil), !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(5))
                record = recording.snapshot().streams.first
            }
            guard let record, let status = record.status else {
                if case .failed(let error)? = record?.ending { outcome.failures.append(error) }
                return
            }
            outcome.headers = record.headers
            outcome.connection = record.connection
            // A response that is no stream ends by itself, with the reason.
            if status != 200 || !ResponseCheck.isEventStream(record.headers.first(name: "content-type") ?? "") {
                await tasks[0].value
                if case .failed(let error)? = recording.snapshot().streams.first?.ending {
                    outcome.failures.append(error)
                    return
                }
            }
            let isOurs = record.headers.contains(name: "x-sse-stream") && probe.path.method == .GET
            if isOurs, !probe.holdsAsIs {
                let run = String(UInt32.random(in: 0...UInt32.max), radix: 36)
                ours = HeadwaterStreams(path: probe.path.target.path, run: run)
            }
            outcome.source = ours == nil ? .asIs : .headwater
        }

        /// Does what the campaign says until it says that it is over.
        mutating func hold(_ watch: IdleWatch?) async {
            if ours != nil { tasks[0].cancel() }
            var campaign = IdleCampaign(
                upTo: probe.upTo, source: outcome.source,
                canShare: outcome.connection?.applicationProtocol == .http2)
            // The stream that was looked at is the first of those that are held as they are.
            if ours == nil { campaign.skipFirst() }
            while !Task.isCancelled {
                let held = held()
                for action in campaign.next(now: now, streams: held, pending: pending()) {
                    switch action {
                    case .finish: return
                    case .open(let opening): open(opening)
                    }
                }
                watch?.show(held)
                try? await Task.sleep(for: IdleProbe.tick)
            }
        }

        mutating func finish() async -> Outcome {
            let until = Clock.monotonic()
            outcome.duration = now
            outcome.streams = held(at: until)
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
            await siblings.close()
            for record in streams() {
                guard case .failed(let error)? = record.ending,
                    record.phases.headReceived == nil || record.status != 200
                else { continue }
                if !outcome.failures.contains(error) { outcome.failures.append(error) }
            }
            return outcome
        }

        private mutating func open(_ opening: IdlePlan.Opening) {
            var path = probe.path
            if let ours { path.target = path.target.with(path: ours.path(opening.role, number: roles.count)) }
            open(opening.role, path: path, connections: opening.sharing == .shared ? siblings : nil)
        }

        private mutating func open(_ role: HeldStream.Role, path: ProbePath, connections: PathConnections?) {
            let own = connections ?? PathConnections(client: probe.client, path: path, group: probe.group)
            let follower = StreamFollower(
                path: path, index: 0, stream: roles.count, connections: own, recording: recording)
            roles.append(role)
            tasks.append(
                Task {
                    _ = await follower.follow()
                    if connections == nil { await own.close() }
                })
        }

        /// Records of streams that are to be judged: of an origin of ours, not the one that was only looked at.
        private func streams() -> [StreamRecord] {
            recording.snapshot().streams.filter { ours == nil || $0.stream > 0 }
        }

        private func held(at time: Int64? = nil) -> [HeldStream] {
            let now = time ?? Clock.monotonic()
            return streams().compactMap { HeldStream($0, role: roles[$0.stream], start: start, now: now) }
        }

        private func pending() -> Int {
            streams().count { $0.phases.headReceived == nil && $0.ended == nil }
        }
    }
}
