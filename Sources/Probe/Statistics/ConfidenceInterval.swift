// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Where the true mean or median lies with 95 % confidence.
public struct ConfidenceInterval: Sendable, Hashable {
    public var lower: Double
    public var upper: Double

    /// Of the mean of a series in the order of its time. Neighbours resemble each other (a queue empties slowly), which
    /// the plain formula would take for certainty; so means of about √n batches are the sample (Schmeiser, "Batch Size
    /// Effects in the Analysis of Simulation Output", 1982: 10 to 30 batches serve).
    /// - Returns: nil below 20 values.
    public static func ofMean(_ series: [Double]) -> ConfidenceInterval? {
        guard series.count >= 20 else { return nil }
        let batches = min(30, max(10, Int(Double(series.count).squareRoot())))
        let size = series.count / batches
        let means = (0..<batches).map { batch in
            let end = batch == batches - 1 ? series.count : (batch + 1) * size
            let values = series[batch * size..<end]
            return values.reduce(0, +) / Double(values.count)
        }
        guard let distribution = Distribution(means) else { return nil }
        let half = studentT(degrees: batches - 1) * distribution.standardDeviation / Double(batches).squareRoot()
        let mean = series.reduce(0, +) / Double(series.count)
        return ConfidenceInterval(lower: mean - half, upper: mean + half)
    }

    /// Of the median: the order statistics between which it lies, by the binomial distribution's normal approximation.
    /// No assumption about the values' distribution, but they count as independent.
    /// - Returns: nil below 20 values.
    public static func ofMedian(_ distribution: Distribution) -> ConfidenceInterval? {
        let count = distribution.count
        guard count >= 20 else { return nil }
        let half = 1.96 * Double(count).squareRoot() / 2
        let lower = max(0, Int((Double(count) / 2 - half).rounded(.down)))
        let upper = min(count - 1, Int((Double(count) / 2 + half).rounded(.up)))
        return ConfidenceInterval(lower: distribution.sorted[lower], upper: distribution.sorted[upper])
    }

    /// The 97.5 % quantile of Student's t for 9 to 29 degrees of freedom, those that `ofMean` uses.
    private static func studentT(degrees: Int) -> Double {
        let table = [
            2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069,
            2.064, 2.060, 2.056, 2.052, 2.048, 2.045,
        ]
        return table[min(max(degrees - 9, 0), table.count - 1)]
    }
}
