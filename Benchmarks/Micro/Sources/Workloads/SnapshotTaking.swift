// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Origin
@testable import Telemetry

final class SnapshotTaking: Workload {
    private let metrics = SampleMetrics.shard(OriginMetrics())

    init() throws {
        let published = self.run(1)
        try expect(published == 2000, "the snapshot says \(published) events")
    }

    func run(_ steps: Int) -> Int {
        var published = 0
        for _ in 0..<steps { published &+= Int(self.metrics.snapshot()[self.metrics.series.eventsPublished]) }
        return published
    }
}
