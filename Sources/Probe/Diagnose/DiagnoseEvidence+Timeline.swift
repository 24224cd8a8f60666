// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// From evidence to what the classifier reads: when was each event of a stream sent?
extension DiagnoseEvidence {
    func delivery(of stream: Stream) -> Delivery { DeliveryClassifier.classify(timeline(of: stream)) }

    func timeline(of stream: Stream) -> DeliveryTimeline {
        var timeline = DeliveryTimeline(requested: stream.requested, until: stream.until)
        timeline.headReceived = stream.headReceived
        timeline.reads = stream.record.readLog
        timeline.hasEnded = stream.hasEnded
        timeline.ownDelay = ownDelay
        timeline.beginsAtOnce = isHeadwater
        timeline.isHeadDue = siblings(of: stream).contains { other in
            other.headReceived.map { $0 - other.requested < DeliveryClassifier.bufferedHold } ?? false
        }
        timeline.suspect = Intermediary.sightings(in: bystander).first { $0.name.buffersByDefault }?.name.displayName
        timeline.hasBegun = stream.record.events + stream.record.comments > 0 || !stream.record.lastEventID.isEmpty
        timeline.arrivals = stream.samples.map { .init(received: $0.lastByte, firstByte: $0.firstByte) }
        if !stream.samples.isEmpty, stream.samples.allSatisfy({ $0.publishTime != nil || $0.type != nil }) {
            addPublishTimes(of: stream, to: &timeline)
        } else {
            addArrivalsElsewhere(of: stream, to: &timeline)
        }
        addExpected(of: stream, to: &timeline)
        return timeline
    }

    /// Events with a type and without a time are the server's own: `end`, `gap`.
    private func addPublishTimes(of stream: Stream, to timeline: inout DeliveryTimeline) {
        timeline.basis = .publishTimes
        timeline.clockError = clock.error ?? 0
        timeline.isSentOnOurClock = clock.error != nil
        timeline.arrivals = stream.samples.compactMap { sample in
            guard let published = sample.publishTime else { return nil }
            let (sent, overflow) = published.subtractingReportingOverflow(clock.offset(at: sample.lastByte) ?? 0)
            guard !overflow, sent > 0 else { return nil }
            return .init(sent: sent, received: sample.lastByte, firstByte: sample.firstByte)
        }
    }

    /// The first of several streams to have an event had it no earlier than it was sent.
    private func addArrivalsElsewhere(of stream: Stream, to timeline: inout DeliveryTimeline) {
        var earliest: [EventSample.Key: Int64] = [:]
        for other in siblings(of: stream) + streams.filter({ $0.role == .resume && stream.role.isOfUser }) {
            for (key, time) in other.uniqueArrivals { earliest[key] = min(time, earliest[key] ?? .max) }
        }
        let own = stream.uniqueArrivals
        let shared = stream.samples.filter { own[$0.key] != nil && earliest[$0.key] != nil }
        guard shared.count >= 4, Double(shared.count) >= 0.6 * Double(stream.samples.count) else { return }
        timeline.basis = .otherStreams
        timeline.arrivals = shared.map { sample in
            .init(
                sent: min(sample.lastByte, earliest[sample.key] ?? .max), received: sample.lastByte,
                firstByte: sample.firstByte)
        }
    }

    private func addExpected(of stream: Stream, to timeline: inout DeliveryTimeline) {
        let own = Set(stream.samples.map(\.key))
        let from = stream.requested + 50_000_000
        for other in siblings(of: stream) {
            let arrivals = other.samples.filter { $0.lastByte > from && $0.lastByte <= stream.until }
            // Another request's answer is another stream, unless some of its events are the same.
            let shared = arrivals.count { own.contains($0.key) }
            guard own.isEmpty || Double(shared) >= 0.5 * Double(own.count) else { continue }
            let times = arrivals.map(\.lastByte)
            if times.count > timeline.expected.count { timeline.expected = times }
        }
    }

    /// Streams of the same request, in any protocol and coding.
    private func siblings(of stream: Stream) -> [Stream] {
        streams.filter { other in
            other.role != stream.role && other.role.isForDelivery && other.role.isOfUser == stream.role.isOfUser
                && stream.role.isForDelivery
        }
    }
}

extension DiagnoseEvidence.Stream {
    /// When each event came that came only once.
    fileprivate var uniqueArrivals: [EventSample.Key: Int64] {
        var arrivals: [EventSample.Key: Int64] = [:]
        var repeated: Set<EventSample.Key> = []
        for sample in samples where arrivals.updateValue(sample.lastByte, forKey: sample.key) != nil {
            repeated.insert(sample.key)
        }
        for key in repeated { arrivals[key] = nil }
        return arrivals
    }
}
