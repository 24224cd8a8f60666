// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Where each series of the closed label sets has its cells: fixed at the start of the process, the same on every loop.
///
///     var builder = MetricLayout.Builder()
///     let opened = builder.counter(Catalogue.streamsOpened, "h2")        // ids are plain numbers: keep them in lets
///     let lag = builder.histogram(Catalogue.deliveryLag, "h2")
///     let layout = builder.finish()                                      // immutable and Sendable
///     let cells = MetricCells(layout)                                    // one for each event loop
///
/// One array of 64-bit words holds everything. A counter or gauge is one word. A histogram with n bounds is, side by
/// side so that an observation touches few cache lines:
///
///     n + 1 buckets │ sum, low word │ sum, high word │ n bounds │ with exemplars: n + 1 times 5 words
///
/// The sum has 128 bits: ten thousand streams add ten thousand seconds of duration a second, which overflows 64 bits
/// of nanoseconds within three weeks.
public final class MetricLayout: Sendable {
    struct Series: Sendable {
        let labels: MetricLabels
        let offset: Int
    }

    struct Family: Sendable {
        let family: MetricFamily
        let series: [Series]
    }

    /// By name, each with its series by labels; without the families that have problems.
    let entries: [Family]
    /// The words before anything is counted: zeros, and the bounds of the histograms.
    let initialWords: [UInt64]

    /// The families that are exposed.
    public var families: [MetricFamily] { entries.map(\.family) }

    init(entries: [Family], initialWords: [UInt64]) {
        self.entries = entries
        self.initialWords = initialWords
    }
}

/// A counter's cell in the layout that made the id; with another layout, it is some other cell.
public struct CounterID: Sendable, Hashable {
    @usableFromInline let offset: UInt32

    init(offset: Int) {
        self.offset = UInt32(truncatingIfNeeded: offset)
    }
}

/// A gauge's cell in the layout that made the id.
public struct GaugeID: Sendable, Hashable {
    @usableFromInline let offset: UInt32

    init(offset: Int) {
        self.offset = UInt32(truncatingIfNeeded: offset)
    }
}

/// A histogram's cells in the layout that made the id.
public struct HistogramID: Sendable, Hashable {
    @usableFromInline let offset: UInt32
    @usableFromInline let boundCount: UInt16
    @usableFromInline let hasExemplars: Bool

    init(offset: Int, boundCount: Int, hasExemplars: Bool) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.boundCount = UInt16(truncatingIfNeeded: boundCount)
        self.hasExemplars = hasExemplars
    }
}

/// The arithmetic of a histogram's words, for the cells and for the snapshot.
@usableFromInline
struct HistogramShape {
    @usableFromInline let boundCount: Int

    @inlinable
    init(boundCount: Int) {
        self.boundCount = boundCount
    }

    @inlinable var sumLow: Int { boundCount + 1 }
    @inlinable var sumHigh: Int { boundCount + 2 }
    @inlinable var bounds: Int { boundCount + 3 }
    @inlinable var exemplars: Int { 2 * boundCount + 3 }

    /// Trace id (high, low), span id, value, time.
    @usableFromInline static let exemplarWords = 5

    func wordCount(exemplars hasExemplars: Bool) -> Int {
        exemplars + (hasExemplars ? (boundCount + 1) * Self.exemplarWords : 0)
    }
}
