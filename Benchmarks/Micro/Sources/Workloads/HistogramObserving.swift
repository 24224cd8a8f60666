// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Origin
@testable import Telemetry
@testable import Transport

final class HistogramObserving: Workload {
    private let series = OriginMetrics()
    private let cells: MetricCells
    private let histogram: HistogramID
    private let streams: UInt64

    /// - Parameter streams: share an observation.
    init(streams: UInt64) throws {
        self.cells = MetricCells(self.series.layout)
        self.histogram = self.series.deliveryLag[.http2]
        self.streams = streams
        _ = self.run(1)
        let counts = self.cells.snapshot().samples().flatMap(\.series).compactMap { series -> UInt64? in
            guard case .histogram(let value) = series.value else { return nil }
            return value.buckets.reduce(0, +)
        }
        try expect(counts.reduce(0, +) == streams, "\(counts) observations were counted")
    }

    func run(_ steps: Int) -> Int {
        SampleMetrics.lags.withUnsafeBufferPointer { lags in
            for step in 0..<steps {
                self.cells.observe(lags[step & (lags.count - 1)], count: self.streams, in: self.histogram)
            }
        }
        // What was observed is in memory that the cells own and anyone may read, so it cannot be left out.
        return Int(truncatingIfNeeded: self.cells.words[Int(self.histogram.offset)])
    }
}
