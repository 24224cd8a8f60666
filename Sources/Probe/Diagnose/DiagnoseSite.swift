// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Synchronization
import Transport

/// The streams of one run, each with its role: opened, followed, left. Every function ends when its task is cancelled,
/// with what it has.
final class DiagnoseSite: Sendable {
    let run: DiagnoseRun
    let recording: Recording
    let client: HTTPClient
    private let started = Clock.monotonic()
    /// Whether the origin is Headwater; nil: not known yet.
    private let recognition = Mutex<Bool?>(nil)

    /// How long a stream that is to be resumed is read at most, and how many events are enough.
    private static let readBeforeLeaving = Duration.milliseconds(2_500)
    private static let eventsBeforeLeaving = 4
    /// Away for so long, so that events are published meanwhile.
    private static let away = Duration.milliseconds(700)
    private static let readAfterReturn = Duration.milliseconds(2_500)

    init(run: DiagnoseRun, recording: Recording, client: HTTPClient) {
        self.run = run
        self.recording = recording
        self.client = client
    }

    private var elapsed: Double { (Clock.monotonic() - started).seconds }

    private func pause(_ duration: Duration) async { try? await Task.sleep(for: duration) }

    // MARK: - Streams

    /// One stream to its end or the run's.
    func follow(
        _ role: StreamRole, path: ProbePath? = nil, client: HTTPClient? = nil, after delay: Duration = .zero
    ) async -> DiagnoseEvidence.Stream {
        if delay > .zero { await pause(delay) }
        let follower = follower(role, path: path ?? self.path(for: role), client: client ?? self.client)
        return evidence(await follower.follow(), role)
    }

    private func path(for role: StreamRole) -> ProbePath {
        var path = run.path
        if role == .gzip { path.acceptsGzip = true }
        return path
    }

    private func follower(_ role: StreamRole, path: ProbePath, client: HTTPClient) -> StreamFollower {
        let connections = PathConnections(client: client, path: path, group: run.group)
        var follower = StreamFollower(
            path: path, index: role.index, stream: 0, connections: connections, recording: recording)
        follower.stamp = run.stamp
        return follower
    }

    private func evidence(_ record: StreamRecord, _ role: StreamRole, from start: Int = 0) -> DiagnoseEvidence.Stream {
        let samples = recording.snapshot().samples.filter { $0.path == role.index && $0.number > start }
        return DiagnoseEvidence.Stream(
            role: role, record: record, samples: samples.filter { $0.number <= start + record.events },
            until: record.ended ?? Clock.monotonic())
    }

    // MARK: - Resume

    /// Leaves a stream after a few events and comes back with the last id, as EventSource does.
    func resume(after delay: Duration) async -> [DiagnoseEvidence.Stream] {
        await pause(delay)
        let follower = follower(.resume, path: run.path, client: client)
        let first = await brief(Self.readBeforeLeaving, enough: Self.eventsBeforeLeaving, follower) {
            await $0.follow()
        }
        var streams = [evidence(first, .resume)]
        guard !Task.isCancelled, first.status == 200, !first.lastEventID.isEmpty else { return streams }
        await pause(Self.away)
        if Task.isCancelled { return streams }
        let second = await brief(Self.readAfterReturn, enough: nil, follower) {
            await $0.follow(attempt: 2, lastEventID: first.lastEventID, number: first.events, retry: first.retry)
        }
        streams.append(evidence(second, .resume, from: first.events))
        return streams
    }

    /// Follows for a time, or until so many events came.
    private func brief(
        _ time: Duration, enough: Int?, _ follower: StreamFollower,
        _ follow: @escaping @Sendable (StreamFollower) async -> StreamRecord
    ) async -> StreamRecord {
        let recording = self.recording
        let following = Task { await follow(follower) }
        let timer = Task {
            let end = ContinuousClock.now + time
            while ContinuousClock.now < end, !Task.isCancelled {
                if let enough, recording.count(of: follower.index) >= enough { break }
                try? await Task.sleep(for: .milliseconds(50))
            }
            following.cancel()
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await following.value
        } onCancel: {
            following.cancel()
        }
    }

    // MARK: - Protocols

    /// What is offered, and a stream in the protocol that the plain one does not use.
    func offers() async -> ([ProtocolOffer], DiagnoseEvidence.Stream?) {
        let loop = run.group.next()
        guard let http1 = try? run.makeClient(.http1), let http2 = try? run.makeClient(.http2) else { return ([], nil) }
        async let offer1 = ProtocolOffer.tryHTTP1(http1, run.path.target, on: loop)
        async let offer2 = ProtocolOffer.tryHTTP2(http2, run.path.target, on: loop)
        let offers = [await offer1, await offer2]
        if Task.isCancelled { return (offers, nil) }
        // In cleartext nothing is negotiated: the plain stream is HTTP/1.1 unless the user says otherwise.
        let plainIsHTTP2 =
            run.path.protocols == .http2
            || (run.path.protocols == .negotiated && run.path.target.scheme == .https && offers[1].isOffered == true)
        var other = run.path
        other.protocols = plainIsHTTP2 ? .http1 : .http2
        if plainIsHTTP2 {
            guard offers[0].isOffered != false else { return (offers, nil) }
            return (offers, await follow(.http1, path: other, client: http1))
        }
        guard offers[1].isOffered == true else { return (offers, nil) }
        return (offers, await follow(.http2, path: other, client: http2))
    }

    // MARK: - Headwater

    /// Finds out whether the origin is Headwater, for ``isHeadwater()``: a stream's head says so, or on a path that
    /// holds heads back a short answer, which comes through. Who is on the way leaves marks in that answer too.
    /// - Returns: its head, if it was asked for.
    func recognise() async -> HTTPHeaders {
        while !Task.isCancelled, elapsed < Self.patience {
            if recogniseByHead() { return [:] }
            await pause(.milliseconds(20))
        }
        if Task.isCancelled || recogniseByHead() { return [:] }
        let answer = await shortAnswer()
        if answer.isHeadwater { recognition.withLock { $0 = true } }
        while !Task.isCancelled, recognition.withLock({ $0 }) == nil, !recogniseByHead() {
            await pause(.milliseconds(20))
        }
        return answer.headers
    }

    private func recogniseByHead() -> Bool {
        guard let head = recording.head(of: StreamRole.plain.index) else { return false }
        recognition.withLock { $0 = head.areOfHeadwater }
        return true
    }

    private func isHeadwater() async -> Bool {
        while !Task.isCancelled {
            if let known = recognition.withLock({ $0 }) { return known }
            await pause(.milliseconds(20))
        }
        return false
    }

    /// Seconds without a head until a short answer is asked for.
    private static let patience = 1.5

    private func shortAnswer() async -> (headers: HTTPHeaders, isHeadwater: Bool) {
        let target = run.path.target.with(path: "/time")
        guard let connection = try? await client.connect(to: target, on: run.group.next()) else { return ([:], false) }
        defer { connection.close() }
        let request = HTTPClientRequest(.GET, deadline: .seconds(5))
        guard let response = try? await connection.request(request) else { return ([:], false) }
        let body = try? await response.collect(upTo: 1_024)
        let text = body.map { String(buffer: $0) } ?? ""
        return (response.head.headers, PublishStamp.number(of: "received_unix_nano", in: text) != nil)
    }

    private func estimate() async -> ClockOffset? {
        await ClockEstimator(client: client, target: run.path.target, on: run.group.next()).estimate()
    }

    func watchClock() async -> ClockTrack {
        var track = ClockTrack([])
        guard await isHeadwater() else { return track }
        repeat {
            if let estimate = await estimate() { track.add(estimate) }
            await pause(.seconds(20))
        } while !Task.isCancelled
        return track
    }

    /// Streams beside the user's that Headwater offers for measurements.
    func calibrate() async -> [DiagnoseEvidence.Stream] {
        guard await isHeadwater() else { return [] }
        let left = run.duration - elapsed - 0.8
        let tag = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        var plan: [(StreamRole, String, Bool)] = [
            (.quiet, "/channels/probe.\(tag)/events?heartbeat=1", false),
            (.quietEvents, "/channels/probe.\(tag)/events?heartbeat=event&heartbeat=1", false),
        ]
        if left >= 2 {
            let measurement = "/events?interval=100&size=256&duration=\(Int(left))"
            plan += [(.calibration, measurement, false), (.calibrationGzip, measurement, true)]
        }
        return await withTaskGroup(of: DiagnoseEvidence.Stream.self) { tasks in
            for (role, target, gzip) in plan {
                let path = ProbePath(
                    name: role.rawValue, target: run.path.target.with(path: target), protocols: run.path.protocols,
                    headers: run.path.headers, acceptsGzip: gzip)
                tasks.addTask { await self.follow(role, path: path) }
            }
            return await tasks.reduce(into: []) { $0.append($1) }
        }
    }

    // MARK: - The end

    /// The run's duration; behind Envoy long enough to see its default limit, and without a head until one comes.
    func waitForEnd() async {
        await pause(.seconds(run.duration))
        guard run.isExtensible else { return }
        while !Task.isCancelled, elapsed < DiagnoseRun.longestWait, recording.head(of: StreamRole.plain.index) == nil {
            await pause(.milliseconds(100))
            // What came with the head is recorded a moment after it.
            if recording.head(of: StreamRole.plain.index) != nil { return await pause(.milliseconds(300)) }
        }
        guard !Task.isCancelled, elapsed < DiagnoseRun.envoyDuration,
            let head = recording.head(of: StreamRole.plain.index),
            Intermediary.sightings(in: head).contains(where: { $0.name == .envoy })
        else { return }
        await pause(.seconds(DiagnoseRun.envoyDuration - elapsed))
    }
}
