// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Where an observation can be looked at: the trace and span that it happened in, and when.
///
/// OpenMetrics 1.0 exposes it beside the bucket that the observation fell into. The ids are those of W3C Trace Context
/// as numbers; a trace id of zero is none there, and none here.
public struct Exemplar: Sendable, Hashable {
    @usableFromInline let traceIDHigh: UInt64
    @usableFromInline let traceIDLow: UInt64
    @usableFromInline let spanID: UInt64
    @usableFromInline let unixNanoseconds: UInt64

    @inlinable
    public init(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, unixNanoseconds: UInt64) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.unixNanoseconds = unixNanoseconds
    }
}

/// An exemplar with the value that was observed.
public struct BucketExemplar: Sendable, Hashable {
    public let exemplar: Exemplar
    /// In the unit that is exposed, and within the bucket.
    public let value: Double

    public init(_ exemplar: Exemplar, value: Double) {
        self.exemplar = exemplar
        self.value = value
    }

    /// OpenMetrics 1.0, "Exemplars": the names and values of the labels together have at most 128 characters.
    /// Ours always have 63.
    static let labelLimit = 128

    /// `{trace_id="…",span_id="…"}`
    func appendLabels(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "{trace_id=\"".utf8)
        MetricNumber.appendHex(exemplar.traceIDHigh, to: &bytes)
        MetricNumber.appendHex(exemplar.traceIDLow, to: &bytes)
        bytes.append(contentsOf: "\",span_id=\"".utf8)
        MetricNumber.appendHex(exemplar.spanID, to: &bytes)
        bytes.append(contentsOf: "\"}".utf8)
    }
}
