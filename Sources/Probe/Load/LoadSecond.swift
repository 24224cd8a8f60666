// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What happened in one second or so of a load test: a line of the live view and an entry of the report.
public struct LoadSecond: Encodable, Sendable {
    /// Since the start of the test, at the end of this interval, in seconds.
    public let at: Double
    /// Its length in seconds.
    public let seconds: Double
    /// All streams were to be open by then.
    public let isHolding: Bool
    /// Streams of readers open at its end.
    public let open: Int
    /// Openings under way at its end.
    public let opening: Int
    public let attempts: UInt64
    public let opened: UInt64
    /// Openings that failed.
    public let failed: UInt64
    /// Streams that ended without our doing.
    public let ended: UInt64
    public let events: UInt64
    public let bytes: UInt64
    public let lost: Int64
    public let duplicated: UInt64
    public let reordered: UInt64
    public let deliveryP50Ms: Double?
    public let deliveryP99Ms: Double?
    public let deliveryMaxMs: Double?
    public let openingP50Ms: Double?
    public let openingP99Ms: Double?
    /// How long the opening that has waited longest has waited so far.
    public let oldestOpeningMs: Double?
    /// This process's use of CPU, in cores.
    public let cpu: Double

    init(_ now: LoadFigures, before: LoadCounts, at: Double, seconds: Double, isHolding: Bool, cpu: Double, time: Int64)
    {
        let counts = now.counts
        self.at = at
        self.seconds = seconds
        self.isHolding = isHolding
        self.cpu = cpu
        open = now.open
        opening = now.underWay
        attempts = counts.attempts &- before.attempts
        opened = counts.opened &- before.opened
        failed = counts.failures.total &- before.failures.total
        ended = counts.ends.unwanted &- before.ends.unwanted
        events = counts.events &- before.events
        bytes = counts.bytes &- before.bytes
        lost = Int64(bitPattern: counts.lost &- before.lost)
        duplicated = counts.duplicated &- before.duplicated
        reordered = counts.reordered &- before.reordered
        let delivery = LoadLatency(now.delivery)
        (deliveryP50Ms, deliveryP99Ms, deliveryMaxMs) = (delivery?.p50Ms, delivery?.p99Ms, delivery?.maxMs)
        let opening = LoadLatency(now.opening)
        (openingP50Ms, openingP99Ms) = (opening?.p50Ms, opening?.p99Ms)
        oldestOpeningMs = now.oldestDue.map { Double(max(0, time - $0)) / 1e6 }
    }

    /// One line, for people and for logs.
    public var line: String {
        func figure(_ value: Double?) -> String { value.map { TextStyle.number($0.rounded(toDigits: 2)) } ?? "–" }
        var parts = [
            "\(TextStyle.fixed(at, 0)) s", isHolding ? "hold" : "ramp", "\(open) open", "\(opening) opening",
            "\(TextStyle.fixed(Double(opened) / seconds, 0)) opened/s",
            "\(TextStyle.fixed(Double(events) / seconds, 0)) events/s",
            "\(TextStyle.fixed(Double(bytes) / seconds / 1e6, 1)) MB/s",
            "delivery p50 \(figure(deliveryP50Ms)) p99 \(figure(deliveryP99Ms)) ms",
            "opening p99 \(figure(openingP99Ms)) ms", "cpu \(TextStyle.fixed(cpu * 100, 0)) %",
        ]
        let defects: [(String, Int64)] = [
            ("lost", lost), ("duplicated", Int64(clamping: duplicated)), ("reordered", Int64(clamping: reordered)),
            ("failed", Int64(clamping: failed)), ("ended", Int64(clamping: ended)),
        ]
        parts += defects.filter { $0.1 != 0 }.map { "\($0.1) \($0.0)" }
        return parts.joined(separator: "  ")
    }
}

extension Double {
    /// Without digits that say nothing.
    fileprivate func rounded(toDigits digits: Int) -> Double {
        let scale = digits == 2 ? 100.0 : 1
        return (self * scale).rounded() / scale
    }
}

/// The figures of a histogram, in milliseconds.
public struct LoadLatency: Encodable, Sendable, Hashable {
    public let count: UInt64
    public let meanMs: Double
    public let minMs: Double
    public let p50Ms: Double
    public let p90Ms: Double
    public let p99Ms: Double
    public let p999Ms: Double
    public let maxMs: Double
    /// The curve behind them: pairs of percentile and milliseconds, closer and closer to 100.
    public let curve: [[Double]]

    init?(_ histogram: LatencyHistogram, withCurve: Bool = false) {
        guard histogram.count > 0 else { return nil }
        func milliseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e6 }
        count = histogram.count
        meanMs = histogram.mean / 1e6
        minMs = milliseconds(histogram.minimum)
        p50Ms = milliseconds(histogram.value(atPercentile: 50))
        p90Ms = milliseconds(histogram.value(atPercentile: 90))
        p99Ms = milliseconds(histogram.value(atPercentile: 99))
        p999Ms = milliseconds(histogram.value(atPercentile: 99.9))
        maxMs = milliseconds(histogram.maximum)
        curve = withCurve ? histogram.curve().map { [$0.percentile, milliseconds($0.nanoseconds)] } : []
    }
}

extension LoadTally {
    /// Without those that we dropped by plan.
    var unwanted: UInt64 { total - (entries[.dropped]?.count ?? 0) }
}
