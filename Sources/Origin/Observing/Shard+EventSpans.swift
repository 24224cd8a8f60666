// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The spans of delivered events: what is left to do for them when the events have gone.

import Telemetry

extension Shard {
    func noteTraced(
        _ stream: UnsafeMutablePointer<StreamState>,
        of channel: Channel,
        from first: UInt64,
        to next: UInt64,
        isReplay: Bool,
        now: Int64
    ) {
        let `protocol` = stream.pointee.applicationProtocol
        let record = Unmanaged.passUnretained(stream.pointee.record)
        if `protocol` == .http2 {
            self.tracedBuffered.add(
                record, of: channel, from: first, to: next, isReplay: isReplay, over: `protocol`, now: now)
        } else {
            self.traced.add(
                record, of: channel, from: first, to: next, isReplay: isReplay, over: `protocol`, now: now)
        }
    }

    /// Records the events of traced streams that have left by `now`.
    ///
    /// - Parameter deliveries: with their traces found.
    func recordEvents(_ deliveries: TracedDeliveries, at now: Int64) {
        // Streams, traces and templates are hundreds of nanoseconds away, each of them. A loop over each kind that does
        // next to nothing lets those waits overlap; the last loop counts references, which would not.
        for run in deliveries.runs where !run.isReplay {
            guard let published = run.firstPublishedAt else { continue }
            deliveries.forEachTrace(of: run) { $0.delivered(lag: now - published) }
        }
        var sampled = 0
        for run in deliveries.runs { deliveries.forEachTrace(of: run) { sampled += $0.isSampled ? 1 : 0 } }
        guard sampled > 0 else { return }
        for run in deliveries.runs {
            for sequence in run.first..<run.next { self.record(sequence, of: run, in: deliveries, at: now) }
        }
    }

    private func record(
        _ sequence: UInt64,
        of run: TracedDeliveries.Run,
        in deliveries: TracedDeliveries,
        at now: Int64
    ) {
        let channel = run.channel
        guard let published = channel.log.publishedAt(sequence) else { return }
        let lag = now - published
        let event = EventSpan(
            sequence: sequence, lag: lag, bytes: channel.log.payload(sequence)?.count ?? 0, isReplay: run.isReplay)
        let numbers = event.numbers
        let link = channel.publishSpans.link(to: sequence)
        let isSlow = lag >= self.shared.slowEventNanoseconds && !run.isReplay
        let (start, end) = (self.unix(run.startedAt), self.unix(now))
        // One exemplar does for all of them: their lag is the same, and the last would replace the others.
        var exemplar: SpanContext?
        deliveries.forEachTrace(of: run) { trace in
            let template = self.eventTemplate(of: trace, in: channel)
            if exemplar == nil { exemplar = template.parent }
            let isKept = self.spans.record(
                template, numbers: numbers, start: start, end: end, priority: isSlow ? .always : .low,
                monotonic: now, link: link)
            if isKept { trace.noteSpan() } else { self.metrics.eventSpansDropped(1) }
        }
        if let exemplar, !run.isReplay {
            self.metrics.eventTraced(lag: lag, over: run.applicationProtocol, context: exemplar, unix: end)
        }
    }

    /// What the spans of a stream's events from one channel have in common.
    private func eventTemplate(of trace: StreamTrace, in channel: Channel) -> SpanTemplate {
        trace.eventTemplate(of: ObjectIdentifier(channel)) {
            let (streamID, channelText, epoch) = (trace.streamID, channel.key.text, channel.epoch)
            return self.spans.template(SpanName.event.rawValue, kind: .producer, parent: trace.context) {
                numbers, writeTime in
                EventSpan(numbers).attributes(
                    streamID: streamID, channel: channelText, epoch: epoch, writeTime: writeTime)
            }
        }
    }
}
