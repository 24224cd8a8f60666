// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Which failures of the exporter are logged: one of each kind a minute, with the number of those left out. Pure.
struct ExportComplaints {
    private struct Entry {
        var logged: Int64
        var silenced: Int
    }

    private static let interval: Int64 = 60_000_000_000

    /// Kinds are a closed set, so this is bounded.
    private var entries: [Kind: Entry] = [:]

    enum Kind: Hashable {
        case retry
        case partialSuccess
        case dropped(SpanDropReason)
    }

    /// How many of this kind were left out since it was last logged; nil when this one is left out too.
    mutating func admit(_ kind: Kind, now: Int64) -> Int? {
        if var entry = entries[kind], now < entry.logged + Self.interval {
            entry.silenced += 1
            entries[kind] = entry
            return nil
        }
        let silenced = entries[kind]?.silenced ?? 0
        entries[kind] = Entry(logged: now, silenced: 0)
        return silenced
    }
}
