// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("Figures of a set of values")
struct DistributionTests {
    /// By numpy 1.26: numpy.percentile([3, 1, 4, 1, 5, 9, 2, 6], p).
    @Test(arguments: [(0.0, 1.0), (10, 1), (25, 1.75), (50, 3.5), (90, 6.9), (95, 7.95), (99, 8.79), (100, 9)])
    func percentilesAreThoseOfNumpy(percent: Double, expected: Double) throws {
        let distribution = try #require(Distribution([3, 1, 4, 1, 5, 9, 2, 6]))
        #expect(abs(distribution.percentile(percent) - expected) < 1e-9)
    }

    @Test func deviationsAreFromMeanAndMedian() throws {
        let distribution = try #require(Distribution([1, 2, 3, 4, 10]))
        #expect(distribution.mean == 4)
        #expect(distribution.meanAbsoluteDeviation == 2.4)
        #expect(distribution.medianAbsoluteDeviation == 1)
        #expect(abs(distribution.standardDeviation - 12.5.squareRoot()) < 1e-12)
    }

    @Test func oneValueIsEveryPercentile() throws {
        let distribution = try #require(Distribution([7]))
        #expect(distribution.percentile(0) == 7)
        #expect(distribution.percentile(99.9) == 7)
        #expect(distribution.standardDeviation == 0)
    }

    @Test func nothingHasNoFigures() {
        #expect(Distribution([Double]()) == nil)
        #expect(Distribution([Double.nan]) == nil)
    }
}
