// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry
import Transport

/// Every metric of the canary: names, meanings, buckets. docs/probe-watch.md has a row for each, and a test holds it
/// against this. The label `path` is the name that the operator gave. Safe from any thread.
public struct WatchMetrics: Sendable {
    static let up = MetricFamily.gauge(
        "sse_probe_up", help: "1 while the stream is open, 0 while it is not.", labels: ["path"])
    static let opened = MetricFamily.counter(
        "sse_probe_streams_opened_total", help: "Streams that got a response with an event stream.", labels: ["path"])
    static let ended = MetricFamily.counter(
        "sse_probe_streams_ended_total",
        help: "Streams that ended or did not open: session is our own end, complete the server's, the rest are faults.",
        labels: ["path", "outcome"])
    static let events = MetricFamily.counter("sse_probe_events_total", help: "Events received.", labels: ["path"])
    static let heartbeats = MetricFamily.counter(
        "sse_probe_heartbeats_total", help: "Comment lines received.", labels: ["path"])
    static let defects = MetricFamily.counter(
        "sse_probe_event_defects_total",
        help: "Events lost, duplicated or reordered, by the publisher's numbers.", labels: ["path", "defect"])
    static let lag = MetricFamily.histogram(
        "sse_probe_delivery_lag_seconds",
        help: "From the publish of an event to its arrival here, by the origin's clock.", unit: "seconds",
        bounds: .seconds(lagBounds), labels: ["path"])
    static let gap = MetricFamily.histogram(
        "sse_probe_inter_event_gap_seconds", help: "Between two events of one stream.", unit: "seconds",
        bounds: .seconds(lagBounds + [30, 60, 120]), labels: ["path"])
    static let phase = MetricFamily.histogram(
        "sse_probe_phase_seconds",
        help: "The steps to the first event: dns, connect, tls, settings, head, first_event.", unit: "seconds",
        bounds: .seconds([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]),
        labels: ["path", "phase"])
    static let lastEvent = MetricFamily.gauge(
        "sse_probe_last_event_timestamp_seconds", help: "When the last event came, in Unix time.", unit: "seconds",
        labels: ["path"])
    static let clockError = MetricFamily.gauge(
        "sse_probe_clock_error_seconds", help: "How wrong the lags can be, by the estimate of the origin's clock.",
        unit: "seconds", labels: ["path"])
    static let beacons = MetricFamily.counter(
        "sse_probe_beacons_total", help: "Reports of lags to the origin, by outcome: taken or refused.",
        labels: ["path", "outcome"])

    static let families = [
        up, opened, ended, events, heartbeats, defects, lag, gap, phase, lastEvent, clockError, beacons,
    ]

    private static let lagBounds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// How a stream ended, for the label.
    enum Outcome: String, CaseIterable {
        case session, complete, reset, timeout, refused, status, notAStream = "not_a_stream", unreadable, other
    }

    enum Defect: String, CaseIterable {
        case lost, duplicated, reordered
    }

    private let dynamic: DynamicMetrics
    private let ids: [String: DynamicMetrics.FamilyID]

    /// - Throws: when a name is taken in the registry.
    public init(_ dynamic: DynamicMetrics, paths: [String]) throws(MetricProblem) {
        self.dynamic = dynamic
        var ids: [String: DynamicMetrics.FamilyID] = [:]
        for family in Self.families { ids[family.name] = try dynamic.register(family) }
        self.ids = ids
        // Closed sets are there from the first scrape on: a series that is missing cannot be told from one that is 0.
        for path in paths {
            for family in [Self.opened, Self.events, Self.heartbeats] { add(0, to: family, [path]) }
            for outcome in Outcome.allCases { add(0, to: Self.ended, [path, outcome.rawValue]) }
            for defect in Defect.allCases { add(0, to: Self.defects, [path, defect.rawValue]) }
            for outcome in ["taken", "refused"] { add(0, to: Self.beacons, [path, outcome]) }
            set(Self.up, 0, [path])
        }
    }

    func add(_ count: Int = 1, to family: MetricFamily, _ labels: [String]) {
        guard let id = ids[family.name] else { return }
        dynamic.add(Double(count), to: id, labelValues: labels)
    }

    func set(_ family: MetricFamily, _ value: Double, _ labels: [String]) {
        guard let id = ids[family.name] else { return }
        dynamic.set(value, to: id, labelValues: labels)
    }

    /// - Parameter nanoseconds: below zero counts as zero: clocks agree only within their error.
    func observe(_ family: MetricFamily, nanoseconds: Int64, _ labels: [String]) {
        guard let id = ids[family.name] else { return }
        dynamic.observe(nanoseconds.seconds, in: id, labelValues: labels)
    }
}

extension WatchMetrics.Outcome {
    init(_ ending: StreamEnding?) {
        switch ending {
        case nil, .stopped: self = .session
        case .complete, .untilClose: self = .complete
        case .failed(.status), .failed(.redirect): self = .status
        case .failed(.notEventStream), .failed(.unknownCoding): self = .notAStream
        case .failed(.unreadable): self = .unreadable
        case .failed(.connection(let error)):
            switch error {
            case .ended, .streamReset, .notProcessed: self = .reset
            case .timedOut: self = .timeout
            case .refused, .unreachable, .nameNotResolved, .tls, .tunnelRefused: self = .refused
            default: self = .other
            }
        }
    }
}
