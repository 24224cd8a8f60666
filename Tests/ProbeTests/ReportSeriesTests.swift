// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Testing

@testable import Probe

@Suite("What a page gets of a long measurement")
struct ReportSeriesTests {
    @Test func aShortSeriesStaysWhole() {
        #expect(Decimation.places(times: [0, 1, 2], values: [5, 6, 7], limit: 4) == [0, 1, 2])
        #expect(Decimation.places(times: [], values: [], limit: 4) == [])
    }

    @Test(arguments: [4, 100, 3_000])
    func theExtremesOfEachStretchRemainAndTheLimitHolds(limit: Int) {
        let times = (0..<50_000).map { Double($0) / 100 }
        var values = times.map { 1 + sin($0) / 10 }
        values[31_415] = 900
        values[27_182] = -900
        let places = Decimation.places(times: times, values: values, limit: limit)
        #expect(places.count <= limit && places.count >= limit / 2)
        #expect(places == places.sorted() && Set(places).count == places.count)
        #expect(places.first == 0 && places.last == 49_999)
        #expect(places.contains(31_415) && places.contains(27_182))
    }

    @Test func aSeriesAtOneMomentIsOneStretch() {
        let places = Decimation.places(
            times: Array(repeating: 1, count: 100), values: (0..<100).map(Double.init), limit: 8)
        #expect(places == [0, 99])
    }

    @Test func quantilesAreOfAllSamplesAndDotsOfFew() throws {
        let samples = (0..<20_000).map { Samples.sample(published: Double($0), at: Double($0) + Double($0 % 100)) }
        let clock = ClockTrack([ClockOffset(offset: 0, error: 1, time: 0)])
        let series = SampleSeries(name: "a", samples: samples, clock: clock, start: 0)
        let latency = try #require(series.latency)
        #expect(latency.of == 20_000 && latency.ms.count <= SampleSeries.dotLimit)
        #expect(latency.seconds.count == latency.ms.count && latency.stream.count == latency.ms.count)
        #expect(latency.seconds == latency.seconds.sorted())
        let quantiles = try #require(series.latencyQuantiles)
        #expect(quantiles.ms[quantiles.percent.firstIndex(of: 50) ?? 0] == 49.5)
        #expect(quantiles.ms.last == 99)
    }

    @Test func gapsAreWithinAStream() throws {
        let samples = [
            Samples.sample(stream: 0, at: 0), Samples.sample(stream: 1, at: 1), Samples.sample(stream: 0, at: 10),
            Samples.sample(stream: 1, at: 21),
        ]
        let series = SampleSeries(name: "a", samples: samples, clock: ClockTrack([]), start: 0)
        #expect(series.latency == nil)
        #expect(try #require(series.gap).ms == [10, 20])
    }

    @Test func aSeriesOfDeltasIsThinnedForAPageOnly() throws {
        let points = (0..<9_000).map {
            DeltaSeries.Point(atSeconds: Double($0), deltaMs: $0 == 4_711 ? 77 : 1, id: nil)
        }
        struct Holder: Encodable { let series: DeltaSeries }
        let holder = Holder(series: DeltaSeries(points: points))
        let whole = ReportJSON.encode(holder, isPretty: false)
        let thin = ReportJSON.encode(holder, isPretty: false, seriesLimit: 100)
        #expect(whole.ranges(of: "delta_ms").count == 9_000)
        #expect((50...100).contains(thin.ranges(of: "delta_ms").count))
        #expect(thin.contains("\"delta_ms\":77"))
    }
}

@Suite("Histogram")
struct ReportHistogramTests {
    @Test(arguments: [1, 2, 50, 199, 200, 10_000])
    func everyValueIsCountedOnce(count: Int) throws {
        let values = (0..<count).map { Double(($0 * 7_919) % 1_000) / 10 - 50 }
        let histogram = Histogram(try #require(Distribution(values)))
        #expect(histogram.counts.reduce(0, +) + histogram.below + histogram.above == count)
        #expect(histogram.counts.count <= Histogram.mostBins)
        #expect(histogram.lowerMs >= -50)
    }

    @Test func equalValuesAreOneBin() throws {
        let histogram = Histogram(try #require(Distribution(Array(repeating: 3.0, count: 500))))
        #expect(histogram.counts == [500] && histogram.widthMs == 0 && histogram.lowerMs == 3)
    }

    @Test func anOutlierDoesNotSqueezeTheRest() throws {
        let values = (0..<1_000).map { Double($0 % 10) } + [1e9]
        let histogram = Histogram(try #require(Distribution(values)))
        #expect(histogram.above == 1)
        #expect(histogram.widthMs < 2)
    }
}
