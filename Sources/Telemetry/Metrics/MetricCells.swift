// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The counts of one owner, usually an event loop: plain memory without lock, atomic or allocation.
///
/// The owner calls the verbs, and takes the ``snapshot()`` that a scrape asks for; nobody else touches it, which the
/// missing `Sendable` makes the compiler check. Gauges that are cheaper to compute than to maintain are set by the
/// owner just before the snapshot. A bump is inlined into its caller: load the address, add to memory. An observation
/// is a call of a few nanoseconds. An id must come from the layout of these cells; builds for debugging check that it
/// lies within them.
public final class MetricCells {
    /// All cells, as ``MetricLayout`` places them.
    @usableFromInline let words: UnsafeMutablePointer<UInt64>
    @usableFromInline let wordCount: Int
    private let layout: MetricLayout

    public init(_ layout: MetricLayout) {
        self.layout = layout
        wordCount = layout.initialWords.count
        words = .allocate(capacity: max(1, wordCount))
        layout.initialWords.withUnsafeBufferPointer { initial in
            guard let base = initial.baseAddress else { return }
            words.initialize(from: base, count: initial.count)
        }
    }

    deinit {
        words.deallocate()
    }

    @inlinable
    public func add(_ count: UInt64 = 1, to id: CounterID) {
        assert(Int(id.offset) < wordCount, "the id belongs to another layout")
        words[Int(id.offset)] &+= count
    }

    /// Adds to a gauge, or with a negative number takes from it.
    @inlinable
    public func add(_ change: Int64, to id: GaugeID) {
        assert(Int(id.offset) < wordCount, "the id belongs to another layout")
        words[Int(id.offset)] &+= UInt64(bitPattern: change)
    }

    @inlinable
    public func set(_ value: Int64, to id: GaugeID) {
        assert(Int(id.offset) < wordCount, "the id belongs to another layout")
        words[Int(id.offset)] = UInt64(bitPattern: value)
    }

    /// What has been counted here, on this loop alone: for checks of what must add up.
    @inlinable
    public subscript(id: CounterID) -> UInt64 {
        assert(Int(id.offset) < wordCount, "the id belongs to another layout")
        return words[Int(id.offset)]
    }

    @inlinable
    public subscript(id: GaugeID) -> Int64 {
        assert(Int(id.offset) < wordCount, "the id belongs to another layout")
        return Int64(bitPattern: words[Int(id.offset)])
    }

    /// Counts an observation, or `count` equal ones.
    ///
    /// - Parameter value: Nanoseconds for durations, else the number itself. Below zero counts as zero: a clock that
    ///   was set back must not make a sum fall, which Prometheus would take for a restart.
    @inlinable
    public func observe(_ value: Int64, count: UInt64 = 1, in id: HistogramID) {
        _ = record(value, count: count, in: id)
    }

    /// Counts an observation, and keeps the exemplar as the last one of its bucket if the family has exemplars.
    @inlinable
    public func observe(_ value: Int64, count: UInt64 = 1, in id: HistogramID, exemplar: Exemplar) {
        let bucket = record(value, count: count, in: id)
        if id.hasExemplars { keep(exemplar, value: value, bucket: bucket, in: id) }
    }

    /// A copy of everything at this moment.
    public func snapshot() -> MetricSnapshot {
        MetricSnapshot(layout: layout, words: [UInt64](UnsafeBufferPointer(start: words, count: wordCount)))
    }

    @inlinable
    @inline(__always)
    func record(_ value: Int64, count: UInt64, in id: HistogramID) -> Int {
        let shape = HistogramShape(boundCount: Int(id.boundCount))
        let cells = words + Int(id.offset)
        assert(Int(id.offset) + shape.exemplars <= wordCount, "the id belongs to another layout")
        let value = UInt64(bitPattern: max(0, value))
        let bounds = cells + shape.bounds
        // From below and until the first that fits: successive values resemble each other, so the branches are
        // predicted, and the buckets that matter most are the lowest.
        var bucket = 0
        while bucket < shape.boundCount && value > bounds[bucket] { bucket &+= 1 }
        cells[bucket] &+= count
        let product = value.multipliedFullWidth(by: count)
        let low = cells[shape.sumLow].addingReportingOverflow(product.low)
        cells[shape.sumLow] = low.partialValue
        cells[shape.sumHigh] &+= product.high &+ (low.overflow ? 1 : 0)
        return bucket
    }

    @usableFromInline
    func keep(_ exemplar: Exemplar, value: Int64, bucket: Int, in id: HistogramID) {
        // An event outside of any trace has nothing to show, and does not hide one that has.
        guard exemplar.traceIDHigh | exemplar.traceIDLow != 0 else { return }
        let shape = HistogramShape(boundCount: Int(id.boundCount))
        let cell = words + (Int(id.offset) + shape.exemplars + bucket * HistogramShape.exemplarWords)
        cell[0] = exemplar.traceIDHigh
        cell[1] = exemplar.traceIDLow
        cell[2] = exemplar.spanID
        cell[3] = UInt64(bitPattern: max(0, value))
        cell[4] = exemplar.unixNanoseconds
    }
}
