// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The spans of delivered events: what is left to do for them when the events have gone.

import Telemetry
import Transport

extension Shard {
    /// Records the events of a batch that has left by `now`.
    ///
    /// - Parameter places: of its streams that are traced.
    func recordEvents(
        of batch: DeliveryBatch,
        from channel: Channel,
        to places: UnsafeBufferPointer<Int32>,
        at now: Int64
    ) {
        let id = ObjectIdentifier(channel)
        // The longest lag is that of the oldest event that the log still has.
        let oldest = batch.isReplay ? nil : (batch.first..<batch.next).lazy.compactMap(channel.log.publishedAt).first
        for place in places.lazy.map(Int.init) {
            if !self.traces.events[place].isOf(id) { self.switchTemplate(at: place, to: channel) }
            if let oldest { self.traces.events[place].delivered(lag: now - oldest) }
        }
        for sequence in batch.first..<batch.next {
            self.record(sequence, of: batch, from: channel, to: places, at: now)
        }
    }

    private func record(
        _ sequence: UInt64,
        of batch: DeliveryBatch,
        from channel: Channel,
        to places: UnsafeBufferPointer<Int32>,
        at now: Int64
    ) {
        guard let published = channel.log.publishedAt(sequence) else { return }
        let lag = now - published
        let event = EventSpan(
            sequence: sequence, lag: lag, bytes: channel.log.payload(sequence)?.count ?? 0, isReplay: batch.isReplay)
        let isSlow = lag >= self.shared.slowEventNanoseconds && !batch.isReplay
        let end = self.unix(now)
        let kept = self.spans.record(
            places.count, numbers: event.numbers, start: self.unix(batch.deliveredAt), end: end,
            priority: isSlow ? .always : .low, monotonic: now, link: channel.publishSpans.link(to: sequence)
        ) { self.traces.events[Int(places[$0])].uncountedTemplate }
        for place in places.prefix(kept) { self.traces.events[Int(place)].noteSpan() }
        if kept < places.count { self.metrics.eventSpansDropped(UInt64(places.count - kept)) }
        if !batch.isReplay { self.keepExemplars(of: lag, from: places, unix: end) }
    }

    /// One for each protocol does: the lag is the same for all, and each would replace the one before.
    private func keepExemplars(of lag: Int64, from places: UnsafeBufferPointer<Int32>, unix: Int64) {
        var told: ApplicationProtocol?
        for place in places.lazy.map(Int.init) {
            let `protocol` = self.traces.events[place].applicationProtocol
            guard `protocol` != told else { continue }
            told = `protocol`
            self.metrics.eventTraced(
                lag: lag, over: `protocol`, context: self.traces.events[place].template.parent, unix: unix)
        }
    }

    // MARK: Templates

    /// A stream of several channels has got an event from another one than before.
    private func switchTemplate(at place: Int, to channel: Channel) {
        guard let stream = self.traces[Int32(place)],
            let template = self.eventTemplate(of: stream, in: channel)
        else { return }
        self.traces.events[place].use(template, of: ObjectIdentifier(channel))
    }

    /// What the spans of a stream's events from one channel have in common; `nil` if it has none.
    func eventTemplate(of stream: StreamTrace, in channel: Channel) -> SpanTemplate? {
        let (streamID, channelText, epoch) = (stream.streamID, channel.key.text, channel.epoch)
        return self.spans.template(SpanName.event.rawValue, kind: .producer, parent: stream.context) {
            numbers, writeTime in
            EventSpan(numbers).attributes(
                streamID: streamID, channel: channelText, epoch: epoch, writeTime: writeTime)
        }
    }
}
