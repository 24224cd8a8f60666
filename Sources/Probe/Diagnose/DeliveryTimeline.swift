// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One stream's arrivals against what is known of their sending: all that the classifier looks at. Times are monotonic
/// nanoseconds of this process unless noted.
struct DeliveryTimeline: Sendable {
    struct Arrival: Sendable, Hashable {
        /// When it was sent: on the publisher's clock, or on ours if ``isSentOnOurClock``. Nil: not known.
        let sent: Int64?
        var firstByte: Int64
        var received: Int64

        init(sent: Int64? = nil, received: Int64, firstByte: Int64? = nil) {
            // Payloads may say anything; within this, differences cannot overflow.
            self.sent = sent.flatMap { (0..<1 << 62).contains($0) ? $0 : nil }
            self.received = received
            self.firstByte = firstByte ?? received
        }
    }

    /// In the order of arrival.
    var arrivals: [Arrival] = []
    var basis = DeliveryBasis.arrivals
    /// Whether `sent` can be subtracted from `received`, within ``clockError``.
    var isSentOnOurClock = false
    var clockError: Int64 = 0
    var requested: Int64
    var headReceived: Int64?
    var reads: [BodyRead] = []
    /// When other streams had events that this one should have had too.
    var expected: [Int64] = []
    /// Whether the server is known to send a head at once: on another stream it came.
    var isHeadDue = false
    /// Someone on the way who buffers unless told otherwise, when short answers come through.
    var suspect: String?
    /// Whether the server is known to send a head, a comment and an id at once.
    var beginsAtOnce = false
    /// Whether anything of the body came that makes sense: an event, a comment, an id.
    var hasBegun = true
    /// The end of the stream, or of our looking at it.
    var until: Int64
    /// Whether the server ended it.
    var hasEnded = false
    /// How late this process itself was now and then: waits up to here are ours, not the path's.
    var ownDelay: Int64 = 0

    /// Arrivals no further apart than this came together: a busy machine needs that long to read what is there.
    static let together: Int64 = 5_000_000

    /// Runs of arrivals that came together, as ranges of ``arrivals``.
    static func groups(_ arrivals: [Arrival]) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        var start = 0
        for index in arrivals.indices.dropFirst()
        where arrivals[index].received - arrivals[index - 1].received > together {
            groups.append(start..<index)
            start = index
        }
        if start < arrivals.count { groups.append(start..<arrivals.count) }
        return groups
    }

    /// Arrivals without what was published before the stream was asked for: a server's history comes at once, however
    /// far apart it was sent.
    var live: [Arrival] {
        let groups = Self.groups(arrivals)
        return groups.flatMap { range -> [Arrival] in
            let group = arrivals[range]
            guard let newest = group.compactMap(\.sent).max() else { return Array(group) }
            return group.filter { arrival in
                guard let sent = arrival.sent else { return true }
                let (age, overflow) = newest.subtractingReportingOverflow(sent)
                return !overflow && age <= arrival.received - requested + 50_000_000
            }
        }
    }

    /// The size in bytes of the pieces in which the body came, if all but the first and the last have one size that a
    /// buffer would have. Events have other sizes.
    var blockBytes: Int? {
        var sizes: [Int] = []
        var last: Int64?
        for read in reads {
            if let last, read.time - last <= Self.together {
                sizes[sizes.count - 1] += read.bytes
            } else {
                sizes.append(read.bytes)
            }
            last = read.time
        }
        let inner = sizes.dropFirst().dropLast(hasEnded ? 1 : 0)
        guard inner.count >= 2, let size = inner.first, size >= 1_024, size.isMultiple(of: 1_024),
            inner.allSatisfy({ $0 == size })
        else { return nil }
        return size
    }
}
