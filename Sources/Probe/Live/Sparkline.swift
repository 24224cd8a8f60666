// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A row of bars as high as the values, in one line of text.
enum Sparkline {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// The last `width` values. Between the lowest and the highest the scale is logarithmic, and it spans a factor of
    /// four at least, so that noise does not look like trouble.
    static func text(_ values: some BidirectionalCollection<Double>, width: Int) -> String {
        let shown = values.suffix(max(0, width)).map { log($0.isNaN || $0 < 1e-3 ? 1e-3 : min($0, 1e12)) }
        guard let lowest = shown.min(), let highest = shown.max() else { return "" }
        let span = max(highest - lowest, log(4))
        return String(shown.map { bars[Int((($0 - lowest) / span * Double(bars.count - 1)).rounded())] })
    }
}
