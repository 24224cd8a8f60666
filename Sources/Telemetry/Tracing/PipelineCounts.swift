// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Why an ended span was not exported. Raw values are the `error.type` of the metrics below.
public enum SpanDropReason: String, Hashable, Sendable, CaseIterable {
    /// The budget for spans of low priority was used up; see ``SpanBudget``.
    case budget
    /// The queue was full: the collector is slower than the spans, or away.
    case queueFull = "queue_full"
    /// One span alone exceeds the largest request.
    case requestTooLarge = "request_too_large"
    /// The collector answered with a status that no retry changes.
    case refused
    /// The collector's answer exceeded its limit, whatever it said.
    case responseTooLarge = "response_too_large"
    /// The collector took the request and did not answer in time.
    case timeout
    /// Every attempt failed until the batch's deadline, or the collector asked for more patience than that.
    case retriesExhausted = "retries_exhausted"
    /// The process ended before.
    case shutdown
}

/// Where the spans went, at one moment. Always `ended == exported + rejected + dropped + waiting + kept`.
///
/// As metrics, by OpenTelemetry's conventions for SDKs, in Prometheus' form. Those of the processor and the exporter
/// also carry `otel_component_type` (`batching_span_processor`, `otlp_http_exporter`) and `otel_component_name` (the
/// same with `/0`).
///
/// - `otel_sdk_span_started_total`: ``started``, by `otel_span_parent_origin` (`none`, `local`, `remote`) and
///   `otel_span_sampling_result` (`DROP`, `RECORD_AND_SAMPLE`)
/// - `otel_sdk_span_live`: ``live``, with `otel_span_sampling_result="RECORD_AND_SAMPLE"`
/// - `otel_sdk_processor_span_queue_size`, `otel_sdk_processor_span_queue_capacity`: ``queued``, ``queueCapacity``
/// - `otel_sdk_processor_span_processed_total`: ``processed``; with `error_type` the ``subscript(dropped:)`` of
///   `queue_full` and `budget`
/// - `otel_sdk_exporter_span_inflight`: ``inFlight``
/// - `otel_sdk_exporter_span_exported_total`: ``exported``; with `error_type="rejected"`: ``rejected``; with every
///   other `error_type`: ``subscript(dropped:)`` of that reason
/// - `otel_sdk_exporter_operation_duration_seconds`, a histogram: ``SpanExporter`` reports to its `onExport`
public struct PipelineCounts: Hashable, Sendable {
    public internal(set) var started = SpanStarts()
    /// Spans that were recorded and have ended. Those in the buffers of event loops are not yet among them.
    public internal(set) var ended = 0
    public internal(set) var exported = 0
    /// Taken by the collector in a request, but not accepted: partial success.
    public internal(set) var rejected = 0
    /// Only for the trace ring or the log, because no exporter is configured.
    public internal(set) var kept = 0
    public internal(set) var queued = 0
    public internal(set) var inFlight = 0
    public internal(set) var queueCapacity = 0
    private var drops: [Int]

    init(queueCapacity: Int = 0) {
        drops = [Int](repeating: 0, count: SpanDropReason.allCases.count)
        self.queueCapacity = queueCapacity
    }

    public internal(set) subscript(dropped reason: SpanDropReason) -> Int {
        get { drops[Self.index(reason)] }
        set { drops[Self.index(reason)] = newValue }
    }

    public var dropped: Int { drops.reduce(0, +) }
    /// What left the queue for the exporter, or is kept in the process.
    public var processed: Int { ended - self[dropped: .budget] - self[dropped: .queueFull] - queued }
    public var waiting: Int { queued + inFlight }
    /// Recorded spans that have not ended; those refused by the budget never lived.
    public var live: Int { started.recorded - ended }

    /// Zero unless a span was lost without a reason, or counted twice: a self-check.
    public var unaccounted: Int { ended - exported - rejected - dropped - waiting - kept }

    mutating func add(_ tally: SpanTally) {
        started.add(tally.started)
        ended += tally.refusedByBudget
        self[dropped: .budget] += tally.refusedByBudget
    }

    private static func index(_ reason: SpanDropReason) -> Int {
        switch reason {
        case .budget: 0
        case .queueFull: 1
        case .requestTooLarge: 2
        case .refused: 3
        case .responseTooLarge: 4
        case .timeout: 5
        case .retriesExhausted: 6
        case .shutdown: 7
        }
    }
}

/// Started spans by the origin of their parent and the sampler's decision.
public struct SpanStarts: Hashable, Sendable {
    public enum Origin: String, Hashable, Sendable, CaseIterable {
        case none
        case local
        case remote

        init(of parent: SpanContext?) {
            self = parent.map { $0.isRemote ? .remote : .local } ?? .none
        }
    }

    private var counts: (Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0)

    public init() {}

    public func count(origin: Origin, isSampled: Bool) -> Int {
        switch (origin, isSampled) {
        case (.none, false): counts.0
        case (.local, false): counts.1
        case (.remote, false): counts.2
        case (.none, true): counts.3
        case (.local, true): counts.4
        case (.remote, true): counts.5
        }
    }

    var recorded: Int { counts.3 + counts.4 + counts.5 }

    @inline(__always)
    mutating func note(origin: Origin, isSampled: Bool) {
        switch (origin, isSampled) {
        case (.none, false): counts.0 &+= 1
        case (.local, false): counts.1 &+= 1
        case (.remote, false): counts.2 &+= 1
        case (.none, true): counts.3 &+= 1
        case (.local, true): counts.4 &+= 1
        case (.remote, true): counts.5 &+= 1
        }
    }

    mutating func add(_ other: SpanStarts) {
        counts.0 += other.counts.0
        counts.1 += other.counts.1
        counts.2 += other.counts.2
        counts.3 += other.counts.3
        counts.4 += other.counts.4
        counts.5 += other.counts.5
    }

    public static func == (left: SpanStarts, right: SpanStarts) -> Bool { left.counts == right.counts }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(counts.0)
        hasher.combine(recorded)
    }
}

/// What a buffer counted since it last handed over.
struct SpanTally: Hashable, Sendable {
    var started = SpanStarts()
    var refusedByBudget = 0
}
