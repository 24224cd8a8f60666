// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Origin
@testable import Telemetry

/// The spans of delivered events, as a stream that is traced has them.
enum SampleSpans {
    static let parent = SpanContext(
        traceID: TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736), spanID: SpanID(0x00f0_67aa_0ba9_02b7)
    )
    static let link = SharedLink(
        SpanContext(traceID: TraceID(high: 0x4bf9_2f35_77b3_4da7, low: 1), spanID: SpanID(0x00f0_67aa_0ba9_02b8)))
    static let start: Int64 = 1_790_000_000_000_000_000

    /// What they share, as a shard makes it.
    static func template(_ spans: borrowing SpanBuffer) throws -> SpanTemplate {
        guard let epoch = Epoch("mzxw6ytb") else { throw WorkloadError("no epoch") }
        let template = spans.template(SpanName.event.rawValue, kind: .producer, parent: self.parent) {
            numbers, writeTime in
            EventSpan(numbers).attributes(
                streamID: "mzxw6yta-1234", channel: "news", epoch: epoch, writeTime: writeTime)
        }
        guard let template else { throw WorkloadError("the sample's trace is not sampled") }
        return template
    }

    static func numbers(_ step: Int) -> SpanNumbers {
        EventSpan(sequence: UInt64(1_234_567 + step), lag: 812_345, bytes: 285, isReplay: false).numbers
    }
}
