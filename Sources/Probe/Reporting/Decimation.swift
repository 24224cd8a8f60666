// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Thins a series so that its picture stays the same: of each stretch of time the first, the last, the lowest and the
/// highest value remain, so no outlier disappears (the M4 aggregation of Jugel et al., "M4: A Visualization-Oriented
/// Time Series Data Aggregation", 2014). For pictures only: no figure is computed of what remains.
public enum Decimation {
    /// - Parameters:
    ///   - times: not descending; as many as `values`.
    ///   - limit: at most so many remain; at least 4.
    /// - Returns: ascending places of what remains; all of them if they are few enough.
    public static func places(times: [Double], values: [Double], limit: Int) -> [Int] {
        let count = min(times.count, values.count)
        guard count > max(limit, 4), let first = times.first else { return Array(0..<count) }
        let stretches = max(limit, 4) / 4
        let span = times[count - 1] - first
        var kept: [Int] = []
        var start = 0
        for stretch in 0..<stretches where start < count {
            var end = start
            if stretch == stretches - 1 || !(span > 0) {
                end = count
            } else {
                let until = first + span * Double(stretch + 1) / Double(stretches)
                while end < count, times[end] < until { end += 1 }
            }
            kept += remarkable(of: values, in: start..<end)
            start = end
        }
        return kept
    }

    /// First, lowest, highest and last of a stretch, ascending and each once.
    private static func remarkable(of values: [Double], in stretch: Range<Int>) -> [Int] {
        guard let first = stretch.first, let last = stretch.last else { return [] }
        var (lowest, highest) = (first, first)
        for place in stretch {
            if values[place] < values[lowest] { lowest = place }
            if values[place] > values[highest] { highest = place }
        }
        return Set([first, lowest, highest, last]).sorted()
    }
}
