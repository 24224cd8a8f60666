// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Logging
import NIOCore
import Telemetry
import Transport

/// Watches one path for ever: a stream for a session, then another where it ended, with metrics, spans and reports to
/// the origin. Cancelling the task ends it.
public struct Canary: Sendable {
    public let lane: Measurement.Lane
    public let metrics: WatchMetrics
    public let tracer: Tracer
    public let eventLoop: any EventLoop
    public let logger: Logger
    public var stamp = PublishStamp()
    /// How long a stream is held before the next is opened: opening is part of what is watched.
    public var session = Duration.seconds(300)
    /// How often lags are reported to an origin that takes them, and its clock is looked at.
    public var beaconInterval = Duration.seconds(10)
    public var sendsBeacons = true

    private let sink: WatchSink

    public init(
        lane: Measurement.Lane,
        metrics: WatchMetrics,
        tracer: Tracer,
        on eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.lane = lane
        self.metrics = metrics
        self.tracer = tracer
        self.eventLoop = eventLoop
        self.logger = logger
        sink = WatchSink(path: lane.path, metrics: metrics)
    }

    /// What has been seen so far.
    public var total: WatchResult.Path { sink.total }

    public func run() async {
        var previous: StreamRecord?
        var failures = 0
        while !Task.isCancelled {
            let record = await hold(after: previous)
            log(record)
            failures = record.isFailure ? failures + 1 : 0
            // A fault does not lose the place in the stream.
            previous = record.status == 200 || previous == nil ? record : previous
            guard record.ending != .stopped else { continue }
            try? await Task.sleep(for: Self.pause(after: failures, retry: record.retry))
        }
    }

    /// What the server asked for, at first; doubled with each failure in a row up to half a minute.
    static func pause(after failures: Int, retry: Int?) -> Duration {
        let asked = max(retry ?? Subscription.defaultRetry, Subscription.leastRetry)
        let factor = 1 << min(max(failures - 1, 0), 8)
        return .milliseconds(min(asked * factor, max(asked, 30_000)))
    }

    /// One stream for one session.
    private func hold(after previous: StreamRecord?) async -> StreamRecord {
        let spans = StreamSpans(tracer: tracer, path: lane.path)
        sink.begin(spans)
        // A connection of its own each time: connecting is part of what is watched.
        let connections = PathConnections(client: lane.client, path: lane.path, group: eventLoop)
        var follower = StreamFollower(
            path: lane.path, index: 0, stream: 0, connections: connections, recording: sink)
        follower.stamp = stamp
        follower.traceparent = spans.traceparent
        let prepared = follower
        let record = await withTaskGroup(of: StreamRecord?.self) { tasks in
            tasks.addTask {
                await prepared.follow(
                    attempt: (previous?.attempt ?? 0) + 1, lastEventID: previous?.lastEventID ?? "",
                    retry: previous?.retry)
            }
            tasks.addTask {
                try? await Task.sleep(for: session)
                return nil
            }
            tasks.addTask {
                await report()
                return nil
            }
            var record: StreamRecord?
            while let part = await tasks.next() {
                if let part { record = part }
                tasks.cancelAll()
            }
            return record
        }
        await connections.close()
        return record ?? StreamRecord(path: 0, stream: 0, attempt: 1, started: Clock.monotonic())
    }

    /// Clock estimates and beacons, as long as the stream is held and if the origin is one that understands them.
    private func report() async {
        let beacons = BeaconSender(client: lane.client, path: lane.path, on: eventLoop)
        let clock = ClockEstimator(client: lane.client, target: lane.path.target, on: eventLoop)
        while !Task.isCancelled {
            if sink.isHeadwater {
                if let estimate = await clock.estimate() { sink.add(estimate) }
                let (lags, error) = sink.takeLags()
                if sendsBeacons, let isTaken = await beacons.send(lags, error: error) {
                    metrics.add(to: WatchMetrics.beacons, [lane.path.name, isTaken ? "taken" : "refused"])
                }
                try? await Task.sleep(for: beaconInterval)
            } else {
                // Until the head is there, and for the life of a stream that is somebody else's.
                try? await Task.sleep(for: .milliseconds(250))
            }
        }
        await beacons.close()
    }

    private func log(_ record: StreamRecord) {
        let seconds = TextStyle.fixed(((record.ended ?? record.started) - record.started).seconds, 1)
        let fields: Logger.Metadata = [
            "path": "\(lane.path.name)", "seconds": "\(seconds)", "events": "\(record.events)",
            "ending": "\(record.ending.map { "\($0)" } ?? "")",
        ]
        if record.isFailure {
            logger.warning("stream failed", metadata: fields)
        } else {
            logger.info("stream ended", metadata: fields)
        }
    }
}
