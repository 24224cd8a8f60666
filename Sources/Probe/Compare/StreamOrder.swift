// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Order and completeness within each stream, and the time between its events.
struct StreamOrder {
    /// Milliseconds between the arrivals of neighbouring events.
    private(set) var gaps: [Double] = []
    /// Events that came in one read with the one before.
    private(set) var coalesced = 0
    private(set) var lost = 0
    private(set) var duplicated = 0
    private(set) var reordered = 0

    /// - Parameter samples: of any streams, each in the order of arrival.
    init(_ samples: [EventSample]) {
        for stream in Dictionary(grouping: samples, by: \.stream).values { add(stream) }
    }

    private mutating func add(_ samples: [EventSample]) {
        for (before, sample) in zip(samples, samples.dropFirst()) {
            gaps.append((sample.lastByte - before.lastByte).milliseconds)
            if sample.read == before.read, sample.lastByte == before.lastByte { coalesced += 1 }
        }
        var seen: Set<Int64> = []
        var highest: Int64?
        for case .some(let sequence) in samples.lazy.map(\.sequence) {
            guard seen.insert(sequence).inserted else {
                duplicated += 1
                continue
            }
            if let highest, sequence < highest { reordered += 1 }
            highest = max(highest ?? sequence, sequence)
        }
        // Numbers that are missing between the first and the last; absurd spans are somebody else's numbers.
        guard let lowest = seen.min(), let highest else { return }
        let (span, overflow) = highest.subtractingReportingOverflow(lowest)
        guard !overflow, span < 1 << 40 else { return }
        lost += Int(span) + 1 - seen.count
    }
}
