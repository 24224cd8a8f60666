// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What arrivals alone can say, of servers that put no time into their events and streams that nobody else has.
extension DeliveryClassifier {
    /// The groups of a timer come at least this far apart.
    private static let groupPeriod: Int64 = 150_000_000

    static func byArrivals(_ timeline: DeliveryTimeline) -> Delivery {
        let live = timeline.live
        let groups = DeliveryTimeline.groups(live)
        let figures = figures(of: timeline, live)
        guard let first = live.first?.received, let last = live.last?.received else { return silent(timeline, figures) }
        // A server writes whole events: cut ones, with a pause between the halves, were cut by a buffer.
        if figures.splitEvents >= 2, let size = figures.blockBytes {
            return Delivery(
                .buffered, .high, .arrivals,
                "the stream comes in blocks of \(size) bytes that cut \(figures.splitEvents) events in two", figures)
        }
        if figures.splitEvents >= 2, Double(figures.splitEvents) >= 0.5 * Double(groups.count) {
            return Delivery(
                .buffered, .medium, .arrivals,
                "\(figures.splitEvents) events were cut in two, with a pause between: someone counts bytes", figures)
        }
        if let withHead = withHead(timeline, groups, live, figures) { return withHead }
        if groups.count == 1, live.count >= 3 {
            return together(timeline, live.count, first, figures)
        }
        if isAtEnd(timeline, groups, of: live), first - timeline.requested >= bufferedHold, live.count >= 4 {
            return Delivery(
                .buffered, .medium, .arrivals, "\(figures.largestGroup) of \(live.count) events came with the end",
                figures)
        }
        let grouped = groups.filter { $0.count > 1 }.reduce(0) { $0 + $1.count }
        let share = Double(grouped) / Double(live.count)
        // What is there when the stream ends is not held to the end of its period.
        let starts = groups.dropLast(timeline.hasEnded ? 1 : 0).map { live[$0.lowerBound].received }
        if live.count >= 8, share >= 0.5, isPeriodic(starts) {
            return Delivery(
                .coalesced, .low, .arrivals,
                "\(percent(share)) of \(live.count) events came in groups at even distances: "
                    + "a timer on the way, or the server sends so", figures)
        }
        let span = TextStyle.fixed((last - first).seconds, 1)
        guard live.count >= 3 else {
            return Delivery(.undecided, .low, .arrivals, "\(live.count) events are too few to judge by", figures)
        }
        if share < 0.1 {
            return Delivery(
                .progressive, live.count >= 20 ? .high : .medium, .arrivals,
                "\(live.count) events came one by one over \(span) s: who holds back delivers together", figures)
        }
        return Delivery(
            .progressive, .low, .arrivals,
            "\(live.count) events came in \(groups.count) groups over \(span) s; without publish times a server that "
                + "sends so cannot be told from a path that does", figures)
    }

    private static func silent(_ timeline: DeliveryTimeline, _ figures: Delivery.Figures) -> Delivery {
        let waited = TextStyle.fixed((timeline.until - timeline.requested).seconds, 1)
        guard timeline.headReceived != nil else {
            if let suspect = timeline.suspect {
                return Delivery(
                    .buffered, .low, .nothing,
                    "no head came within \(waited) s, while a short answer comes at once through \(suspect)", figures)
            }
            return Delivery(
                .undecided, .low, .nothing,
                "no head came within \(waited) s: held back on the way, or the server sends it with its first event",
                figures)
        }
        return Delivery(.undecided, .low, .nothing, "no event came within \(waited) s", figures)
    }

    /// A late head with many events at once. A server that is slow to begin, or sends its head with the first event,
    /// has one or two by then.
    private static func withHead(
        _ timeline: DeliveryTimeline, _ groups: [Range<Int>], _ live: [DeliveryTimeline.Arrival],
        _ figures: Delivery.Figures
    ) -> Delivery? {
        guard let head = timeline.headReceived, head - timeline.requested >= bufferedHold, let first = groups.first,
            first.count >= 5, Double(first.count) >= 0.2 * Double(live.count),
            live[first.lowerBound].received - head <= DeliveryTimeline.together
        else { return nil }
        return Delivery(
            .buffered, .medium, .arrivals,
            "\(first.count) of \(live.count) events came at once with the head of the response, "
                + "\(TextStyle.fixed((head - timeline.requested).seconds, 1)) s after the request", figures)
    }

    /// All events in one piece.
    private static func together(
        _ timeline: DeliveryTimeline, _ count: Int, _ first: Int64, _ figures: Delivery.Figures
    ) -> Delivery {
        let wait = first - timeline.requested
        let text = TextStyle.fixed(wait.seconds, 1)
        guard timeline.hasEnded, timeline.until - first <= atEnd else {
            return Delivery(
                .undecided, .low, .arrivals, "\(count) events came at once after \(text) s, and no more since", figures)
        }
        guard wait >= bufferedHold else {
            return Delivery(
                .undecided, .low, .arrivals,
                "all \(count) events came at once, \(text) s after the request: too quick to judge", figures)
        }
        let head = timeline.headReceived.map { $0 - timeline.requested } ?? 0
        return Delivery(
            .buffered, .medium, .arrivals,
            "all \(count) events came at the end, \(text) s after the request"
                + (head >= bufferedHold ? ", with the head of the response" : ""), figures)
    }

    /// Whether groups begin at even distances, none of them short.
    private static func isPeriodic(_ starts: [Int64]) -> Bool {
        let distances = zip(starts, starts.dropFirst()).map { ($1 - $0).milliseconds }
        guard distances.count >= 4, let distribution = Distribution(distances),
            distribution.minimum >= groupPeriod.milliseconds * 0.9
        else { return false }
        return distribution.standardDeviation <= 0.2 * distribution.mean
    }
}
