// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What happens on one event loop, counted: domain verbs in front of plain cells, so that no caller knows a metric's
// name. The delivery path calls once for all streams of a pass that took the same events.

import NIOCore
import Telemetry
import Transport

/// One loop's counts. Belongs to its event loop; leaves it only as a snapshot.
final class ShardMetrics {
    let series: OriginMetrics
    private let cells: MetricCells
    /// The streams of this loop by its own count, to hold the table of streams against.
    private(set) var openStreams = 0

    init(_ series: OriginMetrics) {
        self.series = series
        self.cells = MetricCells(series.layout)
    }

    func snapshot() -> MetricSnapshot { self.cells.snapshot() }

    // MARK: Delivery

    /// `streams` streams were handed an event that was published `lag` nanoseconds before.
    func eventDelivered(lag: Int64, streams: UInt64, over protocol: ApplicationProtocol) {
        self.cells.observe(lag, count: streams, in: self.series.deliveryLag[`protocol`])
    }

    /// Names the trace of one of those deliveries, which are counted already.
    func eventTraced(lag: Int64, over protocol: ApplicationProtocol, context: SpanContext, unix: Int64) {
        let exemplar = Exemplar(
            traceIDHigh: context.traceID.high, traceIDLow: context.traceID.low, spanID: context.spanID.value,
            unixNanoseconds: UInt64(max(0, unix))
        )
        self.cells.observe(lag, count: 0, in: self.series.deliveryLag[`protocol`], exemplar: exemplar)
    }

    func sent(events: UInt64, bytes: UInt64, over protocol: ApplicationProtocol) {
        self.cells.add(events, to: self.series.eventsSent[`protocol`])
        self.cells.add(bytes, to: self.series.eventBytesSent[`protocol`])
    }

    /// `events` events were given to streams that had got one `gap` nanoseconds before.
    func eventFollowed(gap: Int64, events: UInt64) {
        self.cells.observe(gap, count: events, in: self.series.interEventGap)
    }

    func firstEvent(after nanoseconds: Int64) { self.cells.observe(nanoseconds, in: self.series.timeToFirstEvent) }
    func published(events: Int) { self.cells.add(UInt64(events), to: self.series.eventsPublished) }

    func heartbeatSent(delay: Int64) {
        self.cells.add(to: self.series.heartbeatsSent)
        self.cells.observe(delay, in: self.series.heartbeatDelay)
    }

    func gapTold(_ gap: Gap) {
        guard let reason = MetricLabel.GapReason(rawValue: gap.reason.rawValue) else { return }
        self.add(to: self.series.gaps[reason])
        self.add(gap.missed ?? 0, to: self.series.eventsDropped[reason])
    }

    // MARK: Streams

    func streamOpened(over protocol: ApplicationProtocol, resume: ResumeOutcome?) {
        self.openStreams += 1
        self.cells.add(to: self.series.streamsOpened[`protocol`])
        self.cells.add(1, to: self.series.streamsActive[`protocol`])
        if let resume { self.add(to: self.series.resumes[resume]) }
    }

    func streamClosed(over protocol: ApplicationProtocol, ending: CloseEvidence.Ending) {
        self.openStreams -= 1
        self.cells.add(-1, to: self.series.streamsActive[`protocol`])
        switch ending {
        case .peer(.rstStream(let code)): self.streamReset(HTTP2ErrorCode(rawValue: code), .received)
        case .peer, .origin: break
        }
    }

    func streamReset(_ code: HTTP2ErrorCode, _ direction: MetricLabel.Direction) {
        self.add(to: self.series.streamResets[.init(code: code, direction: direction)])
    }

    func stallEnded(after nanoseconds: Int64) { self.cells.observe(nanoseconds, in: self.series.stallDuration) }

    /// What a sweep over all streams of the loop has found.
    func swept(_ tally: SweepTally) {
        self.cells.set(Int64(tally.backlogBytes), to: self.series.backlogBytes)
        self.cells.set(Int64(tally.slowStreams), to: self.series.slowStreams)
        self.cells.set(Int64(tally.stalledStreams), to: self.series.stalledStreams)
    }

    // MARK: Connections

    func connectionEstablished(_ protocol: ApplicationProtocol) {
        self.cells.add(to: self.series.connectionsAccepted[`protocol`])
        self.cells.add(1, to: self.series.connectionsActive[`protocol`])
    }

    func requestReceived(over protocol: ApplicationProtocol) {
        self.cells.add(to: self.series.connectionRequestCount[`protocol`])
    }

    func connectionEnded(_ connection: Connection) {
        let end = connection.end ?? .peer
        if end == .limit { self.cells.add(to: self.series.connectionsRejected) }
        if let code = connection.goAwayReceived { self.goAway(code, .received) }
        if let code = connection.goAwaySent { self.goAway(code, .sent) }
        guard connection.isEstablished else {
            self.cells.add(to: self.series.silentAccepted)
            return self.add(to: self.series.silentClosed[end])
        }
        let `protocol` = connection.applicationProtocol
        self.cells.add(-1, to: self.series.connectionsActive[`protocol`])
        self.add(to: self.series.connectionsClosed[`protocol`][end])
        self.cells.observe(Int64(connection.requestCount), in: self.series.connectionRequests)
        self.cells.observe(Int64(connection.peakStreams), in: self.series.connectionPeakStreams)
    }

    private func goAway(_ code: HTTP2ErrorCode, _ direction: MetricLabel.Direction) {
        self.add(to: self.series.goAways[.init(code: code, direction: direction)])
    }

    func sampled(_ sockets: [SocketSample]) {
        for socket in sockets {
            self.cells.observe(Int64(socket.roundTripMicroseconds) * 1000, in: self.series.roundTrip)
        }
        self.cells.set(Int64(sockets.reduce(0) { $0 + $1.unsentBytes }), to: self.series.unsentBytes)
    }

    // MARK: The origin itself

    func selfCheckFailed(_ invariant: MetricLabel.Invariant) { self.add(to: self.series.selfCheckFailures[invariant]) }
    func eventSpansDropped(_ count: UInt64) { self.cells.add(count, to: self.series.eventSpansOverBudget) }

    private func add(_ count: UInt64 = 1, to counter: CounterID?) {
        if let counter { self.cells.add(count, to: counter) }
    }
}
