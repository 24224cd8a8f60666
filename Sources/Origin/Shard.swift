// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One event loop's share of the origin: its streams, its copies of channels, and the work that is due on them. All
// state here belongs to the loop; what crosses to another loop is a message (see docs/concurrency.md).
//
// Data flow of an event: a publish arrives on some loop, hops to the channel's home loop, is numbered and encoded
// there, appended to the home's log, and sent to each loop that follows the channel; every loop marks its copy dirty
// and, in its next turn, moves each of its streams from its position to the head (Shard+Delivery.swift).

import EventStream
import Logging
import NIOCore
import NIOHTTP1
import Telemetry
import Transport

/// The origin on one event loop.
final class Shard: Application {
    let index: Int
    let loop: any EventLoop
    let shared: OriginShared
    private let afterPoll: AfterPoll
    var configuration: OriginConfiguration { self.shared.configuration }

    /// Every loop's shard; set before the first connection is accepted.
    var directory = ShardDirectory(shards: [])
    /// This loop's connections; set before the first is accepted.
    var server: ServerLoop?

    let streams = StreamTable()
    var routes = RouteMemo()
    /// Where the last answer's duration was counted: the next one's is mostly counted there as well.
    private var answered = AnsweredSeries()
    let metrics: ShardMetrics
    /// This loop's end of the tracer. This and the two below are unchecked, because each traced event would pay for the
    /// checks and nothing can overlap: none of them changes what another one is just reading.
    @exclusivity(unchecked) var spans: SpanBuffer
    /// Unix nanoseconds less monotonic ones.
    var unixOffset = Clock.unix() - Clock.monotonic()
    /// Deliveries to traced streams that are not recorded yet.
    @exclusivity(unchecked) var traced = TracedDeliveries()
    /// The sampled streams.
    @exclusivity(unchecked) var traces = TraceTable()
    /// By connection, those with sampled streams. Bound: the connections of this loop.
    var connectionTraces: [UInt64: ConnectionTrace] = [:]
    /// What was delivered in this turn and is not counted yet. Bound: the batches of a turn.
    var buffered: [BufferedBatch] = []
    var channels: [ChannelKey: Channel] = [:]
    /// What waits for a copy of a channel to arrive. Bound: one entry for each request that this loop is answering.
    var waiting: [ChannelKey: [(Result<Channel, ChannelRefusal>) -> Void]] = [:]
    /// Publish requests whose channel is at home on another loop, by ticket. Bound as above.
    var publishing: [UInt64: (Result<Published, ChannelRefusal>) -> Void] = [:]
    var lastTicket: UInt64 = 0

    /// Channels with a fan-out under way, in turn.
    var dirty = CircularBuffer<Channel>()
    var isTickScheduled = false
    /// Reused for every event that is encoded.
    var encoding = ByteBuffer()
    /// Reused for every message that is made for one stream. Not the same: an append can deliver.
    var composing = ByteBuffer()
    /// What has ended and is not dealt with yet, in the order in which it did. Bound: the open streams and connections.
    var endings = CircularBuffer<Ending>()
    var isSettlingEndings = false
    var sweepTask: RepeatedTask?
    var tally = SweepTally()
    var survey = ConnectionSurvey()
    var lastChannelSweep: Int64 = 0
    /// When the drain ends; `nil` while there is none.
    var drainDeadline: Int64?

    init(index: Int, loop: any EventLoop, shared: OriginShared, afterPoll: AfterPoll) {
        loop.preconditionInEventLoop()
        self.index = index
        self.loop = loop
        self.shared = shared
        self.afterPoll = afterPoll
        self.metrics = ShardMetrics(shared.metrics.series)
        self.spans = shared.tracer.makeBuffer(sharedBy: shared.loopCount)
    }

    /// Runs `body` after the work that is due now, and before the loop looks at its sockets.
    func later(_ body: @escaping (Shard) -> Void) {
        self.loop.assumeIsolated().execute { body(self) }
    }

    /// Runs `body` after the loop has looked at its sockets: for work that goes on in slices.
    func afterInput(_ body: @escaping (Shard) -> Void) {
        self.afterPoll.run { body(self) }
    }

    func stop() {
        self.settleAllEndings()
        self.sweepTask?.cancel()
        self.afterPoll.stop()
        self.server?.stop()
        self.spans.flush()
        for channel in self.channels.values { channel.home?.ticker?.stop() }
        self.channels = [:]
    }

    // MARK: Calls of the transport

    func streamBecameWritable(_ token: StreamToken) {
        guard let stream = self.streams.find(token) else { return }
        let now = Clock.monotonic()
        if stream.pointee.waitsForWindow { self.metrics.stallEnded(after: now - stream.pointee.blockedSince) }
        stream.pointee.blockedSince = 0
        stream.pointee.waitsForWindow = false
        self.deliver(token.slot, now: now)
        if stream.pointee.record.ending != nil { self.finishIfDelivered(token.slot, now: now) }
    }

    func responseStarted(_ head: RequestHead, status: HTTPResponseStatus) {
        let route = self.routes.find(head.path)
        self.shared.metrics.answered(head, route: route, status: status, now: Clock.monotonic(), in: &self.answered)
        if status.code >= 400 { self.traceRefusal(head, status: status) }
    }

    func connectionEstablished(_ connection: Connection) {
        guard connection.listener == ListenerName.open else { return }
        self.metrics.connectionEstablished(connection.applicationProtocol)
    }
}

/// Every loop's shard, to send messages to. Safe from any thread.
struct ShardDirectory: Sendable {
    let shards: [NIOLoopBound<Shard>]

    /// Runs `body` on the loop of shard `index`; messages between two loops keep their order.
    func send(to index: Int, _ body: @escaping @Sendable (Shard) -> Void) {
        let shard = self.shards[index]
        shard.eventLoop.execute { body(shard.value) }
    }

    /// What every shard answers, in the order of the shards.
    func collect<Answer: Sendable>(_ body: @escaping @Sendable (Shard) -> Answer) async throws -> [Answer] {
        try await EventLoopFuture.whenAllSucceed(
            self.shards.map { shard in shard.eventLoop.submit { body(shard.value) } }, on: self.shards[0].eventLoop
        ).get()
    }
}
