// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What all event loops share. Nothing here is touched when an event is delivered: only when streams, connections or
// publishes come and go.

import Logging
import Synchronization
import Telemetry
import Transport

/// The process-wide part of an origin. Safe from any thread.
final class OriginShared: Sendable {
    let configuration: OriginConfiguration
    let logger: Logger
    let authorization: PublishAuthorization
    let connections = ConnectionAdmission()
    let streams: StreamAdmission
    let metrics: MetricBook
    let telemetry: OriginTelemetry
    var tracer: Tracer { self.telemetry.tracer }
    let closes: CloseBook
    let publishBucket: Mutex<TokenBucket>
    let beaconBucket: Mutex<TokenBucket>
    /// Names this process in stream ids, so that ids from two origins, or two runs, never look alike.
    let instance = Epoch.random()
    /// Among which the budget of the tracer is shared.
    let loopCount: Int
    let slowEventNanoseconds: Int64
    let segmentNanoseconds: Int64
    /// 0 when heartbeats are off.
    let heartbeatNanoseconds: Int64
    private let channelCount = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)

    init(
        configuration: OriginConfiguration,
        metrics: MetricBook,
        telemetry: OriginTelemetry,
        loopCount: Int,
        logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        self.heartbeatNanoseconds = .nanoseconds(seconds: configuration.heartbeat)
        self.authorization = PublishAuthorization(tokens: configuration.publishTokens)
        self.streams = StreamAdmission(
            maximum: configuration.maximumStreams, maximumPerPeer: configuration.maximumStreamsPerPeer
        )
        self.metrics = metrics
        self.telemetry = telemetry
        self.loopCount = loopCount
        self.slowEventNanoseconds = .nanoseconds(seconds: configuration.slowEvent)
        self.segmentNanoseconds = .nanoseconds(seconds: configuration.segmentInterval)
        self.closes = CloseBook(logger: logger, counts: metrics.counts, tracer: telemetry.tracer)
        self.beaconBucket = Mutex(TokenBucket(perSecond: configuration.beaconRate, now: Clock.monotonic()))
        self.publishBucket = Mutex(TokenBucket(perSecond: configuration.publishRate, now: Clock.monotonic()))
    }

    var isDraining: Bool { self.draining.load(ordering: .acquiring) }
    /// - Returns: `false` if it was draining already.
    func startDraining() -> Bool { !self.draining.exchange(true, ordering: .acquiringAndReleasing) }

    /// - Returns: `false` at the limit of channels.
    func enterChannel() -> Bool {
        if self.channelCount.add(1, ordering: .relaxed).newValue <= self.configuration.maximumChannels { return true }
        self.leaveChannel()
        return false
    }

    func leaveChannel() { self.channelCount.subtract(1, ordering: .relaxed) }
    var activeChannels: Int { self.channelCount.load(ordering: .relaxed) }
}
