// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1

@testable import Origin
@testable import Telemetry
@testable import Transport

/// All that an origin counts, after it has been busy for a while.
enum SampleMetrics {
    /// One loop's counts; lags and gaps over the buckets that they fall into in practice, some with exemplars.
    static func shard(_ series: OriginMetrics) -> ShardMetrics {
        let metrics = ShardMetrics(series)
        for step: Int64 in 0..<2000 {
            let lag = self.lags[Int(step) % self.lags.count]
            for name in ApplicationProtocol.allCases {
                metrics.eventDelivered(lag: lag, streams: 64, over: name)
                metrics.sent(events: 64, bytes: 18_560, over: name)
            }
            metrics.eventFollowed(gap: 50_000_000 + step * 1000, events: 192)
        }
        for (index, lag) in self.lags.enumerated() where index % 16 == 0 {
            let context = SpanContext(
                traceID: TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736 + UInt64(index)),
                spanID: SpanID(0x00f0_67aa_0ba9_02b7))
            metrics.eventTraced(lag: lag, over: .http2, context: context, unix: 1_790_000_000_000_000_000)
        }
        for name in ApplicationProtocol.allCases {
            for _ in 0..<200 { metrics.streamOpened(over: name, resume: nil) }
        }
        metrics.published(events: 2000)
        for step: Int64 in 0..<100 { metrics.heartbeatSent(delay: step * 1_000_000) }
        return metrics
    }

    /// Nanoseconds: most within a millisecond, a few late.
    static let lags: [Int64] = (0..<64).map { step in
        step % 16 == 15 ? 2_000_000 * step : 40_000 + 12_500 * step
    }

    /// What a scrape shows: two loops, the process's counts, and requests by method, route and status.
    static func families() throws -> [MetricFamilySamples] {
        let registry = MetricRegistry()
        let dynamic = try registry.makeDynamicMetrics()
        let book = try MetricBook(registry: registry, dynamic: dynamic)
        var cells = self.shard(book.series).snapshot()
        cells.merge(self.shard(book.series).snapshot())
        let duration = try dynamic.register(MetricCatalogue.requestDuration)
        for route in ["/channels/{name}/events", "/events", "/time", "/healthz", "/beacon"] {
            for status in ["200", "204", "404", "503"] {
                for seconds in [0.0002, 0.0011, 0.004] {
                    dynamic.observe(seconds, in: duration, labelValues: ["GET", route, status, "2"])
                }
            }
        }
        let all = cells.samples() + book.counts.snapshot().samples() + dynamic.samples()
        return all.filter { !$0.series.isEmpty }.sorted { $0.family.name < $1.family.name }
    }
}
