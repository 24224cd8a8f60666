// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Every metric that the origin counts itself: names, meanings, units, buckets, labels. Nothing else in the process
// names a metric of the origin; docs/metrics.md says what to do when one looks bad, and a test holds it against this.

import Telemetry

enum MetricCatalogue {
    // MARK: Delivery

    static let deliveryLag = MetricFamily.histogram(
        "sse_event_delivery_lag_seconds",
        help: "From the publish of an event to its bytes being handed to the stream's socket.",
        unit: "seconds", bounds: .seconds(lagBounds), labels: ["protocol"], exemplars: true
    )
    static let timeToFirstEvent = MetricFamily.histogram(
        "sse_time_to_first_event_seconds",
        help: "From a stream's response head to its first event.",
        unit: "seconds",
        bounds: .seconds([0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
    )
    static let interEventGap = MetricFamily.histogram(
        "sse_inter_event_gap_seconds",
        help: "Between two successive events of one stream, as they were handed to its socket.",
        unit: "seconds", bounds: .seconds(lagBounds + [15, 30, 60, 120])
    )
    static let eventsPublished = MetricFamily.counter(
        "sse_events_published_total", help: "Events appended to channels, measurement channels included."
    )
    static let eventsSent = MetricFamily.counter(
        "sse_events_sent_total", help: "Events handed to streams' sockets.", labels: ["protocol"]
    )
    static let eventBytesSent = MetricFamily.counter(
        "sse_event_bytes_sent_total", help: "Bytes of those events, chunk framing included.",
        labels: ["protocol"]
    )
    static let eventsDropped = MetricFamily.counter(
        "sse_events_dropped_total", help: "Events that a stream could not be given any more.", labels: ["reason"]
    )
    static let gaps = MetricFamily.counter(
        "sse_gaps_total", help: "Gap events sent: a stream was told that events are missing.", labels: ["reason"]
    )
    static let heartbeatsSent = MetricFamily.counter("sse_heartbeats_sent_total", help: "Heartbeats sent.")
    static let heartbeatDelay = MetricFamily.histogram(
        "sse_heartbeat_delay_seconds",
        help: "How much later than due heartbeats were sent.",
        unit: "seconds", bounds: .seconds([0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30])
    )
    static let heartbeatInterval = MetricFamily.gauge(
        "sse_heartbeat_interval_seconds", help: "The heartbeat interval that is configured; 0 is off.", unit: "seconds"
    )

    // MARK: Streams

    static let requestDuration = MetricFamily.histogram(
        "http_server_request_duration_seconds",
        help: "From a request's head to its response's head; of a stream its establishment, never its life.",
        unit: "seconds",
        bounds: .seconds([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]),
        labels: ["http_request_method", "http_route", "http_response_status_code", "network_protocol_version"]
    )
    static let streamDuration = MetricFamily.histogram(
        "sse_stream_duration_seconds",
        help: "Ages of streams at their end; the bounds stand around the known timeouts.",
        unit: "seconds",
        bounds: .seconds([
            1, 5, 15, 28, 32, 53, 57, 58, 62, 98, 102, 118, 122, 123, 127, 298, 304, 348, 352, 598, 604, 3600, 14_400,
        ])
    )
    static let streamsActive = MetricFamily.gauge("sse_streams_active", help: "Open streams.", labels: ["protocol"])
    static let streamsOpened = MetricFamily.counter(
        "sse_streams_opened_total", help: "Streams opened.", labels: ["protocol"]
    )
    static let streamsClosed = MetricFamily.counter(
        "sse_streams_closed_total",
        help: "Streams ended, by why; counted with the verdict, a tenth of a second after the end.",
        labels: ["reason", "protocol"]
    )
    static let idleCloses = MetricFamily.counter(
        "sse_stream_idle_closes_total", help: "Streams ended by an idle timer on the way, by its suspected length.",
        labels: ["suspected_timeout_seconds"]
    )
    static let swallowedHeartbeatCloses = MetricFamily.counter(
        "sse_stream_heartbeat_swallowed_closes_total",
        help: "Those of them that were sent heartbeats more often than that: something on the way holds them back.",
        labels: ["suspected_timeout_seconds"]
    )
    static let streamResets = MetricFamily.counter(
        "sse_stream_resets_total", help: "RST_STREAM frames that ended open streams.", labels: ["code", "direction"]
    )
    static let resumes = MetricFamily.counter(
        "sse_resumes_total", help: "Streams opened with Last-Event-ID, by what came of it.", labels: ["outcome"]
    )
    static let backlogBytes = MetricFamily.gauge(
        "sse_stream_backlog_bytes", help: "Bytes that open streams were not given yet, in all.", unit: "bytes"
    )
    static let slowStreams = MetricFamily.gauge(
        "sse_slow_streams", help: "Open streams whose socket has taken nothing for a second or more."
    )
    static let streamsLimit = MetricFamily.gauge("sse_streams_limit", help: "The configured limit of streams.")

    // MARK: Connections

    static let connectionsActive = MetricFamily.gauge(
        "sse_connections_active", help: "Open connections of the public listeners.", labels: ["protocol"]
    )
    static let connectionsAccepted = MetricFamily.counter(
        "sse_connections_accepted_total", help: "Connections accepted, counted once their protocol shows.",
        labels: ["protocol"]
    )
    static let connectionsClosed = MetricFamily.counter(
        "sse_connections_closed_total", help: "Connections ended, by whose doing.", labels: ["protocol", "cause"]
    )
    static let connectionsRejected = MetricFamily.counter(
        "sse_connections_rejected_total", help: "Connections answered with 503 or not at all.", labels: ["cause"]
    )
    static let connectionRequestCount = MetricFamily.counter(
        "sse_connection_requests_total", help: "Requests on connections of the public listeners.", labels: ["protocol"],
        isUntypedInOpenMetrics: true
    )
    static let connectionRequests = MetricFamily.histogram(
        "sse_connection_requests", help: "Requests that a connection carried, at its end.", bounds: .plain(powersOfTwo)
    )
    static let connectionPeakStreams = MetricFamily.histogram(
        "sse_connection_peak_streams", help: "The most streams that a connection carried at once, at its end.",
        bounds: .plain(powersOfTwo)
    )
    static let connectionsLimit = MetricFamily.gauge(
        "sse_connections_limit", help: "The configured limit of connections."
    )
    static let stalledStreams = MetricFamily.gauge(
        "sse_h2_flow_control_stalled_streams", help: "HTTP/2 streams that wait for their peer's window."
    )
    static let stallDuration = MetricFamily.histogram(
        "sse_h2_flow_control_stall_seconds", help: "How long HTTP/2 streams waited for their peer's window.",
        unit: "seconds", bounds: .seconds([0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120])
    )
    static let goAways = MetricFamily.counter(
        "sse_h2_goaways_total", help: "GOAWAY frames, counted at the end of their connection.",
        labels: ["direction", "code"]
    )
    static let roundTrip = MetricFamily.histogram(
        "sse_connection_rtt_seconds", help: "The kernel's round-trip time of sampled connections (TCP_INFO).",
        unit: "seconds", bounds: .seconds(lagBounds)
    )
    static let unsentBytes = MetricFamily.gauge(
        "sse_connection_unsent_bytes",
        help: "Bytes in the kernel that were not sent yet, over the connections sampled last.", unit: "bytes"
    )

    // MARK: Receivers

    static let clientDeliveryLag = MetricFamily.histogram(
        "sse_client_delivery_lag_seconds",
        help: "From publish to receipt, as receivers that measured their clock offset reported it.",
        unit: "seconds", bounds: .seconds(lagBounds), labels: ["path"]
    )
    static let beaconsRejected = MetricFamily.counter(
        "sse_beacons_rejected_total", help: "Reports of receivers that were not taken.", labels: ["reason"]
    )

    // MARK: The origin itself

    static let selfCheckFailures = MetricFamily.counter(
        "sse_self_check_failures_total", help: "Times that the origin's own books did not agree.", labels: ["invariant"]
    )
    static let eventSpansDropped = MetricFamily.counter(
        "sse_event_spans_dropped_total", help: "Spans of events that were not recorded.", labels: ["reason"]
    )
    static let draining = MetricFamily.gauge("headwater_draining", help: "1 while the origin drains, else 0.")
    static let scrapeDuration = MetricFamily.histogram(
        "headwater_scrape_duration_seconds", help: "What an answer of /metrics took, the ones before this one.",
        unit: "seconds", bounds: .seconds([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1])
    )

    private static let lagBounds = [
        1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
    private static let powersOfTwo = (0...10).map { Double(1 << $0) }
}

/// The label values that no other closed enum has.
enum MetricLabel {
    /// A connection that ended before it showed what it speaks.
    static let unknownProtocol = "unknown"

    enum GapReason: String, CaseIterable {
        case slow, expired
        case unknownEpoch = "unknown_epoch"
    }

    enum Direction: String, CaseIterable {
        case sent, received
    }

    enum Invariant: String, CaseIterable {
        /// Streams opened less streams ended are the streams in the table.
        case streams
        /// The streams that live connections carry are the streams in the table.
        case connections
    }

    enum BeaconRejection: String, CaseIterable {
        case invalid, rate
    }
}
