// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

/// The histogram against sorted values.
@Suite struct LoadHistogramTests {
    /// The value of which at least this share is not larger.
    private static func exact(_ sorted: [Int64], _ percentile: Double) -> Int64 {
        sorted[max(0, Int((percentile / 100 * Double(sorted.count)).rounded(.up)) - 1)]
    }

    @Test(arguments: [3_000.0, 5e6, 2e9, 4e12])
    func percentilesAreWithinAThousandth(scale: Double) {
        var random = SeededGenerator(seed: 7)
        var histogram = LatencyHistogram()
        let values = (0..<50_000).map { _ in
            // Some orders of magnitude wide, as latencies are.
            min(
                Int64(scale * Double.random(in: 0...1, using: &random) * Double.random(in: 0...1, using: &random)),
                1 << 41)
        }
        for value in values { histogram.record(value) }
        let sorted = values.sorted()
        for percentile in [0.0, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100] {
            let exact = Self.exact(sorted, percentile)
            let found = histogram.value(atPercentile: percentile)
            #expect(found >= exact)
            #expect(Double(found - exact) <= max(0, Double(exact) / 1_000), "p\(percentile): \(found) for \(exact)")
        }
        #expect(histogram.minimum == sorted.first)
        #expect(histogram.maximum == sorted.last)
        #expect(histogram.count == 50_000)
        let mean = Double(values.reduce(0, +)) / 50_000
        #expect(abs(histogram.mean - mean) < mean / 1e9)
    }

    @Test func everyValueFallsIntoABucketThatIsCloseToIt() {
        for shift in 0..<42 {
            for offset: Int64 in [-1, 0, 1] {
                let value = max(0, 1 << Int64(shift) + offset)
                var histogram = LatencyHistogram()
                histogram.record(value)
                histogram.record(1 << 42 - 1)
                let found = histogram.value(atPercentile: 50)
                #expect(found >= value && found - value <= value / 1_000, "\(found) for \(value)")
            }
        }
    }

    @Test func sumsAreWhatOneHistogramWouldHave() {
        var (a, b, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in stride(from: Int64(1), to: 4_000_000, by: 997) {
            a.record(value)
            both.record(value)
            b.record(value * 31)
            both.record(value * 31)
        }
        a.add(b)
        a.add(LatencyHistogram())
        #expect(a == both)
        #expect(a.take() == both)
        #expect(a == LatencyHistogram())
    }

    @Test func negativeAndHugeValuesAreKeptAtTheEdges() {
        var histogram = LatencyHistogram()
        histogram.record(-5)
        histogram.record(.max)
        histogram.record(.min)
        #expect(histogram.minimum == 0)
        #expect(histogram.maximum == .max)
        #expect(histogram.value(atPercentile: 50) == 0)
    }

    @Test func curveRisesToTheMaximum() {
        var histogram = LatencyHistogram()
        #expect(histogram.curve().isEmpty)
        for value in 1...10_000 { histogram.record(Int64(value) * 1_000) }
        let curve = histogram.curve()
        #expect(curve.first?.percentile == 0)
        #expect(curve.last?.percentile == 100)
        #expect(curve.last?.nanoseconds == 10_000_000)
        #expect(zip(curve, curve.dropFirst()).allSatisfy { $0.percentile < $1.percentile })
        #expect(zip(curve, curve.dropFirst()).allSatisfy { $0.nanoseconds <= $1.nanoseconds })
        #expect(curve.count < 100)
    }
}
