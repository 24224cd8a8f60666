// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct MetricCellsTests {
    let catalogue = SampleCatalogue()

    @Test func everySeriesIsThereFromTheStartWithZero() {
        let samples = MetricCells(catalogue.layout).snapshot().samples()
        #expect(
            samples.map(\.family.name) == [
                "sample_connection_size", "sample_lag_seconds", "sample_streams_active", "sample_streams_opened_total",
            ])
        #expect(samples[3].series.map(\.labels.description) == [#"{protocol="h1"}"#, #"{protocol="h2"}"#])
        #expect(samples[3].series.map(\.value) == [.unsigned(0), .unsigned(0)])
        #expect(samples[0].series.map(\.value) == [.histogram(HistogramValue(buckets: [0, 0, 0, 0], sum: 0))])
    }

    @Test func aVerbChangesItsOwnCellsAndNoOthers() {
        let cells = MetricCells(catalogue.layout)
        cells.add(to: catalogue.openedH1)
        cells.add(41, to: catalogue.openedH1)
        cells.add(7, to: catalogue.openedH2)
        cells.add(5, to: catalogue.active)
        cells.add(-8, to: catalogue.active)
        cells.observe(3, count: 2, in: catalogue.requests)
        let snapshot = cells.snapshot()
        #expect(snapshot.value(of: SampleCatalogue.opened, #"{protocol="h1"}"#) == .unsigned(42))
        #expect(snapshot.value(of: SampleCatalogue.opened, #"{protocol="h2"}"#) == .unsigned(7))
        #expect(snapshot.value(of: SampleCatalogue.active) == .signed(-3))
        let requests = HistogramValue(buckets: [0, 0, 2, 0], sum: 6)
        #expect(snapshot.value(of: SampleCatalogue.requests) == .histogram(requests))
        for labels in [#"{protocol="h1"}"#, #"{protocol="h2"}"#] {
            let empty = HistogramValue(buckets: [0, 0, 0, 0], sum: 0, exemplars: [nil, nil, nil, nil])
            #expect(snapshot.value(of: SampleCatalogue.lag, labels) == .histogram(empty))
        }
        #expect(cells[catalogue.openedH1] == 42 && snapshot[catalogue.openedH1] == 42)
        #expect(cells[catalogue.active] == -3 && snapshot[catalogue.active] == -3)
        cells.set(-9, to: catalogue.active)
        #expect(cells.snapshot().value(of: SampleCatalogue.active) == .signed(-9))
        #expect(snapshot.value(of: SampleCatalogue.active) == .signed(-3), "a snapshot is a copy")
    }

    /// Bounds are inclusive (`le`), in nanoseconds: 1 ms, 10 ms, 1 s.
    @Test(arguments: [
        (Int64.min, 0), (-1, 0), (0, 0), (1, 0), (999_999, 0), (1_000_000, 0), (1_000_001, 1), (10_000_000, 1),
        (10_000_001, 2), (1_000_000_000, 2), (1_000_000_001, 3), (.max, 3),
    ])
    func anObservationFallsIntoTheFirstBucketThatHoldsIt(value: Int64, bucket: Int) {
        let cells = MetricCells(catalogue.layout)
        cells.observe(value, in: catalogue.lagH1)
        var buckets: [UInt64] = [0, 0, 0, 0]
        buckets[bucket] = 1
        let expected = HistogramValue(
            buckets: buckets,
            sum: Double(max(0, value)) / 1e9,
            exemplars: [nil, nil, nil, nil]
        )
        #expect(cells.snapshot().value(of: SampleCatalogue.lag, #"{protocol="h1"}"#) == .histogram(expected))
    }

    @Test func aSumDoesNotOverflow() {
        let one = MetricCells(catalogue.layout)
        let other = MetricCells(catalogue.layout)
        for _ in 0..<3 { one.observe(.max, count: 5, in: catalogue.lagH1) }
        other.observe(.max, count: 5, in: catalogue.lagH1)
        // Two low words that are large enough to carry when they are merged.
        other.observe(.max, in: catalogue.lagH1)
        one.observe(.max, in: catalogue.lagH1)
        var merged = one.snapshot()
        merged.merge(other.snapshot())
        guard case .histogram(let value) = merged.value(of: SampleCatalogue.lag, #"{protocol="h1"}"#) else {
            Issue.record("no histogram")
            return
        }
        #expect(value.count == 22)
        #expect(abs(value.sum / (22 * 0x1p63 / 1e9) - 1) < 1e-12)
    }

    @Test func theLastExemplarOfABucketStays() {
        let cells = MetricCells(catalogue.layout)
        cells.observe(1_000, in: catalogue.lagH2, exemplar: SampleCatalogue.exemplar(1))
        cells.observe(2_000, in: catalogue.lagH2, exemplar: SampleCatalogue.exemplar(2))
        cells.observe(3_000, in: catalogue.lagH2)
        cells.observe(2_000_000_000, count: 4, in: catalogue.lagH2, exemplar: SampleCatalogue.exemplar(3))
        let nowhere = Exemplar(traceIDHigh: 0, traceIDLow: 0, spanID: 1, unixNanoseconds: 1)
        cells.observe(4_000, in: catalogue.lagH2, exemplar: nowhere)
        let expected = HistogramValue(
            buckets: [4, 0, 0, 4],
            sum: 8.000_01,
            exemplars: [
                BucketExemplar(SampleCatalogue.exemplar(2), value: 0.000_002), nil, nil,
                BucketExemplar(SampleCatalogue.exemplar(3), value: 2),
            ]
        )
        #expect(cells.snapshot().value(of: SampleCatalogue.lag, #"{protocol="h2"}"#) == .histogram(expected))
    }

    @Test func anExemplarForAFamilyWithoutThemOnlyCounts() {
        let cells = MetricCells(catalogue.layout)
        let plain = MetricCells(catalogue.layout)
        for value: Int64 in [1, 2, 3, 9] {
            cells.observe(value, in: catalogue.requests, exemplar: SampleCatalogue.exemplar(1))
            plain.observe(value, in: catalogue.requests)
        }
        #expect(cells.snapshot().words == plain.snapshot().words)
    }

    @Test func mergingAddsEverythingAndKeepsTheLaterExemplar() {
        let one = MetricCells(catalogue.layout)
        let other = MetricCells(catalogue.layout)
        one.add(1, to: catalogue.openedH1)
        other.add(10, to: catalogue.openedH1)
        one.add(5, to: catalogue.active)
        other.add(-7, to: catalogue.active)
        one.observe(1, in: catalogue.lagH1, exemplar: SampleCatalogue.exemplar(1, milliseconds: 200))
        other.observe(2, in: catalogue.lagH1, exemplar: SampleCatalogue.exemplar(2, milliseconds: 100))
        one.observe(5_000_000, in: catalogue.lagH1, exemplar: SampleCatalogue.exemplar(3, milliseconds: 100))
        other.observe(6_000_000, in: catalogue.lagH1, exemplar: SampleCatalogue.exemplar(4, milliseconds: 200))
        other.observe(7_000_000_000, in: catalogue.lagH1, exemplar: SampleCatalogue.exemplar(5, milliseconds: 50))
        let expected = HistogramValue(
            buckets: [2, 2, 0, 1],
            sum: 7.011_000_003,
            exemplars: [
                BucketExemplar(SampleCatalogue.exemplar(1, milliseconds: 200), value: 1e-9),
                BucketExemplar(SampleCatalogue.exemplar(4, milliseconds: 200), value: 0.006), nil,
                BucketExemplar(SampleCatalogue.exemplar(5, milliseconds: 50), value: 7),
            ]
        )
        for (first, second) in [(one, other), (other, one)] {
            var merged = first.snapshot()
            merged.merge(second.snapshot())
            #expect(merged.value(of: SampleCatalogue.opened, #"{protocol="h1"}"#) == .unsigned(11))
            #expect(merged.value(of: SampleCatalogue.active) == .signed(-2))
            #expect(merged.value(of: SampleCatalogue.lag, #"{protocol="h1"}"#) == .histogram(expected))
        }
    }
}
