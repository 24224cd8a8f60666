// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The cells of every series that the event loops count, fixed at the start. All label sets are closed, so every series
// is exposed from the first scrape on, at zero: alerts and dashboards need no "absent or zero".

import Telemetry
import Transport

/// Something for each protocol, found by index: the delivery path has no use for hashing.
struct PerProtocol<Value> {
    private let http10: Value
    private let http11: Value
    private let http2: Value

    init(_ make: (ApplicationProtocol) -> Value) {
        self.http10 = make(.http10)
        self.http11 = make(.http11)
        self.http2 = make(.http2)
    }

    @inline(__always)
    subscript(_ protocol: ApplicationProtocol) -> Value {
        switch `protocol` {
        case .http10: self.http10
        case .http11: self.http11
        case .http2: self.http2
        }
    }
}

extension PerProtocol: Sendable where Value: Sendable {}

/// Immutable; one for the process, shared by the cells of all loops.
final class OriginMetrics: Sendable {
    let layout: MetricLayout
    /// Mistakes in the catalogue; a test expects none.
    let problems: [MetricProblem]

    // Delivery
    let deliveryLag: PerProtocol<HistogramID>
    let timeToFirstEvent: HistogramID
    let interEventGap: HistogramID
    let eventsPublished: CounterID
    let eventsSent: PerProtocol<CounterID>
    let eventBytesSent: PerProtocol<CounterID>
    let eventsDropped: [MetricLabel.GapReason: CounterID]
    let gaps: [MetricLabel.GapReason: CounterID]
    let heartbeatsSent: CounterID
    let heartbeatDelay: HistogramID

    // Streams
    let streamsActive: PerProtocol<GaugeID>
    let streamsOpened: PerProtocol<CounterID>
    let streamResets: [StreamReset: CounterID]
    let resumes: [ResumeOutcome: CounterID]
    let backlogBytes: GaugeID
    let slowStreams: GaugeID

    // Connections
    let connectionsActive: PerProtocol<GaugeID>
    let connectionsAccepted: PerProtocol<CounterID>
    let connectionsClosed: PerProtocol<[ConnectionEnd: CounterID]>
    let connectionRequestCount: PerProtocol<CounterID>
    let connectionRequests: HistogramID
    let connectionPeakStreams: HistogramID
    /// Of connections that never showed what they speak.
    let silentAccepted: CounterID
    let silentClosed: [ConnectionEnd: CounterID]
    let connectionsRejected: CounterID
    let stalledStreams: GaugeID
    let stallDuration: HistogramID
    let goAways: [StreamReset: CounterID]
    let roundTrip: HistogramID
    let unsentBytes: GaugeID

    // Self-check and tracing
    let selfCheckFailures: [MetricLabel.Invariant: CounterID]
    let eventSpansOverBudget: CounterID

    /// An error code in one direction: of RST_STREAM, and of GOAWAY.
    struct StreamReset: Hashable {
        let code: HTTP2ErrorCode
        let direction: MetricLabel.Direction

        /// The codes of RFC 9113, section 7; every other is `other`.
        static let codes = (0...13).map { HTTP2ErrorCode(rawValue: $0) }
        static let otherCode = HTTP2ErrorCode(rawValue: .max)

        static let all = (codes + [otherCode]).flatMap { code in
            MetricLabel.Direction.allCases.map { StreamReset(code: code, direction: $0) }
        }

        init(code: HTTP2ErrorCode, direction: MetricLabel.Direction) {
            self.code = code.rawValue <= 13 ? code : Self.otherCode
            self.direction = direction
        }

        var codeLabel: String { self.code == Self.otherCode ? "other" : self.code.description }
    }

    init() {
        var builder = MetricLayout.Builder()
        typealias Catalogue = MetricCatalogue
        self.deliveryLag = PerProtocol { builder.histogram(Catalogue.deliveryLag, $0.rawValue) }
        self.timeToFirstEvent = builder.histogram(Catalogue.timeToFirstEvent)
        self.interEventGap = builder.histogram(Catalogue.interEventGap)
        self.eventsPublished = builder.counter(Catalogue.eventsPublished)
        self.eventsSent = PerProtocol { builder.counter(Catalogue.eventsSent, $0.rawValue) }
        self.eventBytesSent = PerProtocol { builder.counter(Catalogue.eventBytesSent, $0.rawValue) }
        self.eventsDropped = builder.counters(Catalogue.eventsDropped)
        self.gaps = builder.counters(Catalogue.gaps)
        self.heartbeatsSent = builder.counter(Catalogue.heartbeatsSent)
        self.heartbeatDelay = builder.histogram(Catalogue.heartbeatDelay)

        self.streamsActive = PerProtocol { builder.gauge(Catalogue.streamsActive, $0.rawValue) }
        self.streamsOpened = PerProtocol { builder.counter(Catalogue.streamsOpened, $0.rawValue) }
        self.streamResets = builder.counters(Catalogue.streamResets, StreamReset.all) {
            [$0.codeLabel, $0.direction.rawValue]
        }
        self.resumes = builder.counters(Catalogue.resumes)
        self.backlogBytes = builder.gauge(Catalogue.backlogBytes)
        self.slowStreams = builder.gauge(Catalogue.slowStreams)

        self.connectionsActive = PerProtocol { builder.gauge(Catalogue.connectionsActive, $0.rawValue) }
        self.connectionsAccepted = PerProtocol { builder.counter(Catalogue.connectionsAccepted, $0.rawValue) }
        self.connectionsClosed = PerProtocol { name in
            builder.counters(Catalogue.connectionsClosed, ConnectionEnd.allCases) { [name.rawValue, $0.rawValue] }
        }
        self.connectionRequestCount = PerProtocol { builder.counter(Catalogue.connectionRequestCount, $0.rawValue) }
        self.connectionRequests = builder.histogram(Catalogue.connectionRequests)
        self.connectionPeakStreams = builder.histogram(Catalogue.connectionPeakStreams)
        let unknown = MetricLabel.unknownProtocol
        self.silentAccepted = builder.counter(Catalogue.connectionsAccepted, unknown)
        self.silentClosed = builder.counters(Catalogue.connectionsClosed, ConnectionEnd.allCases) {
            [unknown, $0.rawValue]
        }
        self.connectionsRejected = builder.counter(Catalogue.connectionsRejected, ConnectionEnd.limit.rawValue)
        self.stalledStreams = builder.gauge(Catalogue.stalledStreams)
        self.stallDuration = builder.histogram(Catalogue.stallDuration)
        self.goAways = builder.counters(Catalogue.goAways, StreamReset.all) { [$0.direction.rawValue, $0.codeLabel] }
        self.roundTrip = builder.histogram(Catalogue.roundTrip)
        self.unsentBytes = builder.gauge(Catalogue.unsentBytes)

        self.selfCheckFailures = builder.counters(Catalogue.selfCheckFailures)
        self.eventSpansOverBudget = builder.counter(Catalogue.eventSpansDropped, "budget")
        self.problems = builder.problems
        self.layout = builder.finish()
    }
}

extension MetricLayout.Builder {
    /// One counter for each value of the one label.
    mutating func counters<Label: CaseIterable & RawRepresentable<String> & Hashable>(
        _ family: MetricFamily
    ) -> [Label: CounterID] {
        self.counters(family, Label.allCases) { [$0.rawValue] }
    }

    mutating func counters<Label: Hashable>(
        _ family: MetricFamily,
        _ labels: some Sequence<Label>,
        _ values: (Label) -> [String]
    ) -> [Label: CounterID] {
        var counters: [Label: CounterID] = [:]
        for label in labels { counters[label] = self.counter(family, labelValues: values(label)) }
        return counters
    }
}
