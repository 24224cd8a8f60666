// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Paths that deliver the same events with the same publish times have one publisher, and so one clock: the best
/// estimate of it serves them all. An edge that strips Headwater's fields, or a long way with a wide error bound, then
/// has latencies as good as the path beside it.
enum SharedClocks {
    /// Samples of a path that are looked at; events in common show early.
    private static let sampleLimit = 4_096

    private struct Stamp: Hashable {
        let key: EventSample.Key
        let time: Int64
    }

    /// For each path the clock to use: of those that share an event with it, itself included, the one with the least
    /// error.
    static func choose(_ clocks: [ClockTrack], samples: [EventSample]) -> [ClockTrack] {
        var stamps = clocks.map { _ in Set<Stamp>() }
        for sample in samples {
            guard let time = sample.publishTime, stamps.indices.contains(sample.path),
                stamps[sample.path].count < sampleLimit
            else { continue }
            stamps[sample.path].insert(Stamp(key: sample.key, time: time))
        }
        return clocks.indices.map { path in
            let related = clocks.indices.filter { $0 == path || !stamps[$0].isDisjoint(with: stamps[path]) }
            let best = related.min { (clocks[$0].error ?? .max) < (clocks[$1].error ?? .max) }
            return best.map { clocks[$0] } ?? clocks[path]
        }
    }
}
