// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

extension WorkloadKind {
    /// All of them, in the order of an event's way and then of what is told about it.
    public static let all: [WorkloadKind] = [
        WorkloadKind("event-encode", "one event of 256 bytes, with its id, as text/event-stream", steps: 10_000) {
            try EventEncoding()
        },
        WorkloadKind("log-append", "one event framed as a chunk and appended to a full log", steps: 20_000) {
            try LogAppending()
        },
        WorkloadKind("log-read-head", "the run of one message at a log's head", steps: 50_000) {
            try LogReading(behind: 1)
        },
        WorkloadKind("log-read-behind", "the run of the ten newest messages of a log", steps: 50_000) {
            try LogReading(behind: 10)
        },
        WorkloadKind("h2-data", "one event as a DATA frame, on one of 1,000 streams in turn", steps: 20_000) {
            try HTTP2DataFraming()
        },
        WorkloadKind(
            "delivery-state", "one delivery booked in its stream's state and its batch", operationsPerStep: 256,
            steps: 100
        ) { try DeliveryBooking() },
        WorkloadKind(
            "h2-fan-out", "one event to one of 256 HTTP/2 streams, from the publish to the connection's write",
            operationsPerStep: 256, steps: 100
        ) { try FanOut() },
        WorkloadKind(
            "h2-fan-out-silent", "the same without metrics", operationsPerStep: 256, steps: 100
        ) { try FanOut(metrics: false) },
        WorkloadKind(
            "h2-fan-out-sampled", "the same where 3 of the streams are traced and their spans handed over",
            operationsPerStep: 256, steps: 100
        ) { try FanOut(traced: 3) },
        WorkloadKind(
            "h2-fan-out-traced", "the same where all are", operationsPerStep: 256, steps: 100
        ) { try FanOut(traced: OpenStreams.count) },
        WorkloadKind("h2-request-first", "a browser's GET, the first request of its connection", steps: 500) {
            try HTTP2RequestDecoding(isFirst: true)
        },
        WorkloadKind("h2-request-warm", "the same request again, its fields in the HPACK table", steps: 1000) {
            try HTTP2RequestDecoding(isFirst: false)
        },
        WorkloadKind(
            "h2-stream-open", "the same request, from its bytes to an open stream and the response's head written",
            steps: 1000
        ) { try StreamOpening() },
        WorkloadKind("h1-request", "a browser's GET read and answered with 204, on a kept connection", steps: 1000) {
            try HTTP1RequestParsing()
        },
        WorkloadKind("histogram-observe", "one delivery lag observed", steps: 50_000) {
            try HistogramObserving(streams: 1)
        },
        WorkloadKind("histogram-observe-64", "the delivery lag of 64 streams observed at once", steps: 50_000) {
            try HistogramObserving(streams: 64)
        },
        WorkloadKind("metrics-snapshot", "one loop's cells copied, which is all that a scrape asks of it", steps: 1000)
        {
            try SnapshotTaking()
        },
        WorkloadKind("metrics-merge", "the snapshots of two loops merged and made samples of", steps: 20) {
            try SnapshotMerging()
        },
        WorkloadKind("exposition-text", "all metrics of an origin as Prometheus text", steps: 20) {
            try Exposing(.text)
        },
        WorkloadKind("exposition-openmetrics", "all metrics of an origin as OpenMetrics", steps: 20) {
            try Exposing(.openMetrics)
        },
        WorkloadKind("exposition-gzip", "the OpenMetrics text compressed", steps: 20) {
            try ExpositionCompressing()
        },
        WorkloadKind(
            "span-record", "the span of one delivered event recorded, its share of the hand-over included",
            steps: 20_480
        ) {
            try SpanRecording()
        },
        WorkloadKind("span-finish", "the span of one delivered event made whole for export", steps: 5000) {
            try SpanFinishing()
        },
        WorkloadKind(
            "span-encode", "one span with 10 attributes as OTLP, in batches of 512", operationsPerStep: 512, steps: 10
        ) {
            try SpanEncoding(.none)
        },
        WorkloadKind("span-encode-gzip", "the same, compressed", operationsPerStep: 512, steps: 10) {
            try SpanEncoding(.gzip)
        },
    ]
}
