// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Origin
@testable import Telemetry

/// As the registry does it for every scrape, off the event loops.
final class SnapshotMerging: Workload {
    private let series: OriginMetrics
    private let loops: [MetricSnapshot]

    init() throws {
        let series = OriginMetrics()
        self.series = series
        self.loops = (0..<2).map { _ in SampleMetrics.shard(series).snapshot() }
        let families = self.run(1)
        try expect(families == series.layout.families.count, "there are \(families) families")
    }

    func run(_ steps: Int) -> Int {
        var families = 0
        for _ in 0..<steps {
            var all = MetricSnapshot(self.series.layout)
            for loop in self.loops { all.merge(loop) }
            families &+= all.samples().count
        }
        return families
    }
}
