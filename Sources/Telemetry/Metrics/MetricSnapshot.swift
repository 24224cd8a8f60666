// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The cells of one owner, or of several merged, at one moment: a value that can leave the loop.
public struct MetricSnapshot: Sendable {
    let layout: MetricLayout
    private(set) var words: [UInt64]

    init(layout: MetricLayout, words: [UInt64]) {
        self.layout = layout
        self.words = words
    }

    /// Nothing counted yet.
    public init(_ layout: MetricLayout) {
        self.init(layout: layout, words: layout.initialWords)
    }

    /// Adds what another owner of the same layout has counted. Gauges are added too; of two exemplars of a bucket the
    /// later one stays. Another layout's snapshot is a programming error and adds nothing.
    public mutating func merge(_ other: MetricSnapshot) {
        guard layout === other.layout else {
            assertionFailure("snapshots of different layouts cannot be merged")
            return
        }
        words.withUnsafeMutableBufferPointer { words in
            other.words.withUnsafeBufferPointer { others in
                for entry in layout.entries {
                    switch entry.family.kind {
                    case .counter, .gauge:
                        for series in entry.series { words[series.offset] &+= others[series.offset] }
                    case .histogram(let bounds):
                        let shape = HistogramShape(boundCount: bounds.observed.count)
                        for series in entry.series {
                            Self.merge(shape, at: series.offset, into: words, from: others)
                            if entry.family.hasExemplars {
                                Self.mergeExemplars(shape, at: series.offset, into: words, from: others)
                            }
                        }
                    }
                }
            }
        }
    }

    private static func merge(
        _ shape: HistogramShape,
        at offset: Int,
        into words: UnsafeMutableBufferPointer<UInt64>,
        from others: UnsafeBufferPointer<UInt64>
    ) {
        for index in offset...offset + shape.boundCount { words[index] &+= others[index] }
        let low = words[offset + shape.sumLow].addingReportingOverflow(others[offset + shape.sumLow])
        words[offset + shape.sumLow] = low.partialValue
        words[offset + shape.sumHigh] &+= others[offset + shape.sumHigh] &+ (low.overflow ? 1 : 0)
    }

    private static func mergeExemplars(
        _ shape: HistogramShape,
        at offset: Int,
        into words: UnsafeMutableBufferPointer<UInt64>,
        from others: UnsafeBufferPointer<UInt64>
    ) {
        for bucket in 0...shape.boundCount {
            let start = offset + shape.exemplars + bucket * HistogramShape.exemplarWords
            let time = start + HistogramShape.exemplarWords - 1
            if others[time] > words[time] {
                for index in start...time { words[index] = others[index] }
            }
        }
    }

    public subscript(id: CounterID) -> UInt64 { words[Int(id.offset)] }

    public subscript(id: GaugeID) -> Int64 { Int64(bitPattern: words[Int(id.offset)]) }

    /// The values, in the order of the layout: by family, then by labels.
    public func samples() -> [MetricFamilySamples] {
        words.withUnsafeBufferPointer { words in
            layout.entries.map { entry in
                MetricFamilySamples(
                    entry.family,
                    entry.series.compactMap { series in
                        let isOmitted = entry.family.omitsUnused && Self.isUnused(entry.family, series, in: words)
                        if isOmitted { return nil }
                        return MetricSeries(series.labels, Self.value(of: entry.family, at: series.offset, in: words))
                    }
                )
            }
        }
    }

    private static func isUnused(
        _ family: MetricFamily,
        _ series: MetricLayout.Series,
        in words: UnsafeBufferPointer<UInt64>
    ) -> Bool {
        switch family.kind {
        case .counter: words[series.offset] == 0
        case .gauge: false
        case .histogram(let bounds):
            words[series.offset...series.offset + bounds.observed.count].allSatisfy { $0 == 0 }
        }
    }

    private static func value(
        of family: MetricFamily,
        at offset: Int,
        in words: UnsafeBufferPointer<UInt64>
    ) -> MetricValue {
        switch family.kind {
        case .counter: return .unsigned(words[offset])
        case .gauge: return .signed(Int64(bitPattern: words[offset]))
        case .histogram(let bounds):
            let shape = HistogramShape(boundCount: bounds.observed.count)
            let factor = bounds.scale.factor
            let high = Double(words[offset + shape.sumHigh]) * 0x1p64
            let sum = (high + Double(words[offset + shape.sumLow])) / factor
            var exemplars: [BucketExemplar?] = []
            if family.hasExemplars {
                exemplars = (0...shape.boundCount).map { bucket in
                    let start = offset + shape.exemplars + bucket * HistogramShape.exemplarWords
                    return exemplar(in: words[start..<start + HistogramShape.exemplarWords], factor: factor)
                }
            }
            let buckets = [UInt64](words[offset...offset + shape.boundCount])
            return .histogram(HistogramValue(buckets: buckets, sum: sum, exemplars: exemplars))
        }
    }

    private static func exemplar(in words: Slice<UnsafeBufferPointer<UInt64>>, factor: Double) -> BucketExemplar? {
        let start = words.startIndex
        // W3C Trace Context, section 3.2.2.3: a trace id of zeros is invalid, so it stands for none.
        guard words[start] | words[start + 1] != 0 else { return nil }
        let exemplar = Exemplar(
            traceIDHigh: words[start],
            traceIDLow: words[start + 1],
            spanID: words[start + 2],
            unixNanoseconds: words[start + 4]
        )
        return BucketExemplar(exemplar, value: Double(words[start + 3]) / factor)
    }
}
