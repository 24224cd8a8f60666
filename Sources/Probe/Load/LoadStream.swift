// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// All that is kept of one stream: two cache lines, in one array with the others of its loop.
struct LoadStream {
    enum Phase: UInt8 {
        /// Not opened, or to come back.
        case idle
        /// Waits for its connection, or for the head.
        case opening
        case open
        /// We are ending it: what it reports now is no news.
        case leaving
        /// Vanished, or gone for good.
        case gone
    }

    /// Which number of its events is checked: what the first one had.
    enum Numbering: UInt8 {
        case unknown
        case sequence
        case identifier
        case none
    }

    var scanner = EventScanner()
    var window = SequenceWindow()
    /// When the opening under way was due. Monotonic.
    var due: Int64 = 0
    /// Counts openings, so that news of an earlier one is told from that of this one.
    var attempt: UInt32 = 0
    /// In the loop's table; -1 without.
    var connection: Int32 = -1
    var phase = Phase.idle
    var numbering = Numbering.unknown
    let role: LoadRole

    init(role: LoadRole) {
        self.role = role
    }

    /// For a new opening.
    mutating func begin(due: Int64) {
        scanner = EventScanner()
        window = SequenceWindow()
        numbering = .unknown
        self.due = due
        attempt &+= 1
        phase = .opening
    }

    /// Counts an event.
    @inline(__always)
    mutating func note(_ event: EventScanner.Event, into counts: inout LoadCounts) {
        counts.events &+= 1
        let marks = event.marks
        if numbering == .sequence, marks.contains(.sequence) {
            note(event.sequence, into: &counts)
        } else if marks.isDisjoint(with: [.gap, .heartbeat, .end]) {
            noteUnusual(event, into: &counts)
        } else {
            counts.events &-= 1
            if marks.contains(.gap) { counts.gaps &+= 1 }
            if marks.contains(.heartbeat) { counts.heartbeats &+= 1 }
        }
    }

    private mutating func noteUnusual(_ event: EventScanner.Event, into counts: inout LoadCounts) {
        if numbering == .unknown {
            numbering =
                event.marks.contains(.sequence) ? .sequence : event.marks.contains(.identifier) ? .identifier : .none
            // One number is enough.
            if numbering != .identifier { scanner.marks.insert(.ignoresIdentifiers) }
        }
        switch numbering {
        case .sequence where event.marks.contains(.sequence): note(event.sequence, into: &counts)
        case .identifier where event.marks.contains(.identifier): note(event.identifier, into: &counts)
        default: counts.unnumbered &+= 1
        }
    }

    @inline(__always)
    private mutating func note(_ number: UInt64, into counts: inout LoadCounts) {
        switch window.note(number) {
        case .inOrder: break
        case .gap(let missing): counts.lost &+= missing
        case .late:
            counts.lost &-= 1
            counts.reordered &+= 1
        case .duplicate: counts.duplicated &+= 1
        case .stale: counts.stale &+= 1
        }
    }
}
