// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// Runs the streams of several paths at once for a time, and keeps the clocks of their origins in view meanwhile.
public struct Measurement: Sendable {
    /// A path with the client that speaks its protocol, and how many streams to hold on it.
    public struct Lane: Sendable {
        public let path: ProbePath
        public let client: HTTPClient
        public let streams: Int

        public init(path: ProbePath, client: HTTPClient, streams: Int = 1) {
            self.path = path
            self.client = client
            self.streams = streams
        }
    }

    /// What a run leaves: samples and streams, and the clock of each lane's origin.
    public struct Outcome: Sendable {
        public let paths: [ProbePath]
        public let snapshot: Recording.Snapshot
        public let clocks: [ClockTrack]
        public let duration: Double
    }

    public let lanes: [Lane]
    public let group: any EventLoopGroup
    public var stamp = PublishStamp()
    /// How often an origin's clock is looked at again.
    public var clockInterval = Duration.seconds(20)
    public var traceparent: String?

    public init(lanes: [Lane], group: any EventLoopGroup) {
        self.lanes = lanes
        self.group = group
    }

    /// - Parameter duration: nil runs until the task is cancelled or all streams have ended for good.
    public func run(for duration: Duration?, into recording: Recording) async -> Outcome {
        let started = Clock.monotonic()
        var clocks = lanes.map { _ in ClockTrack([]) }
        await withTaskGroup(of: Part.self) { tasks in
            var open = 0
            for (index, lane) in lanes.enumerated() {
                let connections = PathConnections(client: lane.client, path: lane.path, group: group)
                for stream in 0..<lane.streams {
                    var follower = StreamFollower(
                        path: lane.path, index: index, stream: stream, connections: connections, recording: recording)
                    follower.stamp = stamp
                    follower.traceparent = traceparent
                    let subscription = Subscription(follower, reconnects: lane.path.method == .GET)
                    open += 1
                    tasks.addTask {
                        await subscription.run()
                        return .stream
                    }
                }
                tasks.addTask { .clock(index, await watchClock(of: index, in: recording)) }
            }
            if let duration {
                tasks.addTask {
                    try? await Task.sleep(for: duration)
                    return .timer
                }
            }
            while let part = await tasks.next() {
                switch part {
                case .timer: tasks.cancelAll()
                case .clock(let index, let track): clocks[index] = track
                case .stream:
                    open -= 1
                    if open == 0 { tasks.cancelAll() }
                }
            }
        }
        let snapshot = recording.snapshot()
        return Outcome(
            paths: lanes.map(\.path), snapshot: snapshot,
            clocks: SharedClocks.choose(clocks, samples: snapshot.samples),
            duration: (Clock.monotonic() - started).seconds)
    }

    private enum Part: Sendable {
        case stream
        case timer
        case clock(Int, ClockTrack)
    }

    /// Estimates at once, at intervals, and at the end. Only origins that show Headwater's fields are asked: others
    /// would find requests for `/time` in their logs.
    private func watchClock(of index: Int, in recording: Recording) async -> ClockTrack {
        var track = ClockTrack([])
        while !Task.isCancelled, recording.head(of: index) == nil {
            try? await Task.sleep(for: .milliseconds(20))
        }
        guard let head = recording.head(of: index), head.areOfHeadwater else { return track }
        repeat {
            if let estimate = await estimate(index) {
                track.add(estimate)
                recording.put(track, path: index)
            }
            try? await Task.sleep(for: clockInterval)
        } while !Task.isCancelled
        // The task is cancelled, which would cancel the exchange too.
        let last = Task { await estimate(index) }
        if let estimate = await last.value { track.add(estimate) }
        return track
    }

    private func estimate(_ index: Int) async -> ClockOffset? {
        let lane = lanes[index]
        return await ClockEstimator(client: lane.client, target: lane.path.target, on: group.next()).estimate()
    }
}
