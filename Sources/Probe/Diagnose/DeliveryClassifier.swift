// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Judges one stream: send gaps against receive gaps where sending is known, else what the arrivals alone can say. A
/// pure function of a ``DeliveryTimeline``.
///
/// A burst of the publisher is no coalescing: only events that were sent apart and came together count as held. Delays
/// alone are none either, for networks and busy machines delay; holding back shows in what comes together afterwards.
enum DeliveryClassifier {
    /// Events of one group that were sent within this of each other say nothing.
    static let apart: Int64 = 20_000_000
    /// A hold below this is a busy machine's.
    static let leastHold: Int64 = 30_000_000
    /// The share of events in held groups from which holding is the rule. Two busy cores bring single per cents.
    static let heldShare = 0.3
    /// A hold over this is no timer for small writes any more.
    static let bufferedHold: Int64 = 1_000_000_000
    /// The time within which the end of a stream belongs to what came last.
    static let atEnd: Int64 = 300_000_000
    /// With the clocks known: a delay of every event that much above the round trip is a hold.
    static let constantHold: Int64 = 100_000_000

    static func classify(_ timeline: DeliveryTimeline) -> Delivery {
        if let withheld = withheld(timeline) ?? notBegun(timeline) { return withheld }
        let live = timeline.live
        let sent = live.compactMap(\.sent)
        guard sent.count == live.count, live.count >= 4, let first = sent.min(), let last = sent.max(),
            last - first >= apart
        else { return byArrivals(timeline) }
        let bySending = bySending(timeline, live)
        guard timeline.basis == .otherStreams, bySending.verdict == .progressive else { return bySending }
        // Streams that are held alike agree with each other, but a buffer shows by itself. Groups alone do not: streams
        // that were opened at different times have them alike when the publisher sends so.
        let byArrivals = byArrivals(timeline)
        if byArrivals.verdict == .buffered { return byArrivals }
        guard bySending.figures.largestGroup > 1, bySending.figures.groups * 2 <= bySending.figures.events else {
            return bySending
        }
        var publishersOwn = bySending
        publishersOwn.confidence = min(bySending.confidence, .medium)
        publishersOwn.reason =
            "\(live.count) events came in \(bySending.figures.groups) groups, at the same moments on "
            + "streams opened at different times: the server sends so"
        return publishersOwn
    }

    /// Headwater begins every stream at once, however quiet the channel; others may be known to send the head at once.
    private static func notBegun(_ timeline: DeliveryTimeline) -> Delivery? {
        guard timeline.beginsAtOnce || (timeline.isHeadDue && timeline.headReceived == nil), !timeline.hasBegun,
            timeline.arrivals.isEmpty,
            timeline.until - timeline.requested >= bufferedHold
        else { return nil }
        let waited = TextStyle.fixed((timeline.until - timeline.requested).seconds, 1)
        let what = timeline.headReceived == nil ? "the head of the response" : "the first comment"
        guard timeline.beginsAtOnce else {
            return Delivery(
                .buffered, .medium, .otherStreams,
                "\(what), which came at once on another stream, did not come within \(waited) s",
                figures(of: timeline, []))
        }
        return Delivery(
            .buffered, .high, .arrivals, "\(what), which the origin sends at once, did not come within \(waited) s",
            figures(of: timeline, []))
    }

    /// Events that others had and this stream had not.
    private static func withheld(_ timeline: DeliveryTimeline) -> Delivery? {
        guard !timeline.hasEnded, timeline.expected.count >= 4 else { return nil }
        let missing = timeline.expected.count - timeline.arrivals.count
        guard missing > 0, Double(missing) >= Double(timeline.expected.count) * heldShare,
            let oldest = timeline.expected.sorted().dropFirst(timeline.arrivals.count).first,
            timeline.until - oldest >= bufferedHold
        else { return nil }
        var figures = figures(of: timeline, timeline.arrivals)
        figures.missing = missing
        let what = timeline.headReceived == nil ? "not even the head of the response" : "nothing of \(missing) of them"
        return Delivery(
            .buffered, timeline.expected.count >= 10 ? .high : .medium, .otherStreams,
            "\(timeline.expected.count) events were sent in the meantime, and \(what) came", figures)
    }

    private static func bySending(_ timeline: DeliveryTimeline, _ live: [DeliveryTimeline.Arrival]) -> Delivery {
        let groups = DeliveryTimeline.groups(live)
        let delays = live.map { $0.received - ($0.sent ?? 0) }
        let base = timeline.isSentOnOurClock ? 0 : delays.min() ?? 0
        var held = 0
        var holds: [Double] = []
        for range in groups where range.count > 1 {
            let sent = live[range].compactMap(\.sent)
            let spread = (sent.max() ?? 0) - (sent.min() ?? 0)
            let arrival = live[range.upperBound - 1].received - live[range.lowerBound].received
            guard spread - arrival >= apart else { continue }
            held += range.count
            holds.append(((delays[range].max() ?? 0) - base).milliseconds)
        }
        var figures = figures(of: timeline, live)
        let share = Double(held) / Double(live.count)
        let distribution = Distribution(holds)
        figures.heldShare = share
        figures.holdMs = distribution?.median
        figures.longestHoldMs = distribution?.maximum
        let hold = distribution?.median ?? 0
        let least = max(leastHold, 3 * timeline.ownDelay).milliseconds
        guard share >= heldShare, hold >= least else {
            return constantlyHeld(timeline, delays, figures)
                ?? Delivery(
                    .progressive, confidence(live.count, isClear: share < 0.1), timeline.basis,
                    held == 0
                        ? "all \(live.count) events came as far apart as they were sent"
                        : "\(live.count - held) of \(live.count) events came as far apart as they were sent", figures)
        }
        let confidence = confidence(live.count, isClear: share >= 0.6)
        let came = "\(percent(share)) of \(live.count) events were sent apart and came together"
        if let size = figures.blockBytes {
            return Delivery(.buffered, confidence, timeline.basis, "\(came), in blocks of \(size) bytes", figures)
        }
        if isAtEnd(timeline, groups, of: live) {
            return Delivery(.buffered, confidence, timeline.basis, "\(came), when the stream ended", figures)
        }
        if hold >= bufferedHold.milliseconds {
            return Delivery(
                .buffered, confidence, timeline.basis, "\(came), after up to \(seconds(figures.longestHoldMs)) s",
                figures)
        }
        return Delivery(
            .coalesced, confidence, timeline.basis, "\(came), after a hold of \(TextStyle.fixed(hold, 0)) ms", figures)
    }

    /// Every event late by the same time shows only against a known clock.
    private static func constantlyHeld(
        _ timeline: DeliveryTimeline, _ delays: [Int64], _ figures: Delivery.Figures
    ) -> Delivery? {
        guard timeline.isSentOnOurClock, let median = Distribution(delays.map(\.milliseconds))?.median else {
            return nil
        }
        // The error of the clock is half a round trip: twice that is more than the way takes.
        let excess = median - 2 * timeline.clockError.milliseconds
        guard excess >= (constantHold + 3 * timeline.ownDelay).milliseconds else { return nil }
        var figures = figures
        figures.holdMs = median
        return Delivery(
            median >= bufferedHold.milliseconds ? .buffered : .coalesced, .medium, .publishTimes,
            "every event is held for about \(TextStyle.fixed(median, 0)) ms, "
                + "while an answer takes \(TextStyle.number(2 * timeline.clockError.milliseconds)) ms", figures)
    }

    static func figures(of timeline: DeliveryTimeline, _ live: [DeliveryTimeline.Arrival]) -> Delivery.Figures {
        let groups = DeliveryTimeline.groups(live)
        var figures = Delivery.Figures()
        figures.events = live.count
        figures.groups = groups.count
        figures.largestGroup = groups.map(\.count).max() ?? 0
        figures.blockBytes = timeline.blockBytes
        let starts = groups.map { live[$0.lowerBound].received }
        figures.groupPeriodMs = Distribution(zip(starts, starts.dropFirst()).map { ($1 - $0).milliseconds })?.median
        figures.splitEvents = live.count { $0.received - $0.firstByte >= 100_000_000 }
        return figures
    }

    /// Nearly everything in one group, and then the end.
    static func isAtEnd(
        _ timeline: DeliveryTimeline, _ groups: [Range<Int>], of live: [DeliveryTimeline.Arrival]
    ) -> Bool {
        guard timeline.hasEnded, let last = groups.last, let end = live.last?.received else { return false }
        return Double(last.count) >= 0.8 * Double(live.count) && timeline.until - end <= atEnd
    }

    private static func confidence(_ count: Int, isClear: Bool) -> Confidence {
        count < 8 ? .low : count >= 20 && isClear ? .high : .medium
    }

    static func percent(_ share: Double) -> String { "\(TextStyle.fixed(share * 100, 0)) %" }

    static func seconds(_ milliseconds: Double?) -> String { TextStyle.fixed((milliseconds ?? 0) / 1_000, 1) }
}
