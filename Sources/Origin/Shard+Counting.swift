// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What a delivery leaves behind in the stream's state and in the loop's metrics.

import NIOCore
import Transport

extension Shard {
    /// A batch whose events are on their way through a connection's output buffer.
    struct BufferedBatch {
        let batch: DeliveryBatch
        let channel: Channel
    }

    /// Counts that a stream was handed the events from `first` to before `next`; its state says so afterwards.
    @inline(__always)
    func count(
        from first: UInt64,
        to next: UInt64,
        bytes: Int,
        on stream: UnsafeMutablePointer<StreamState>,
        of channel: Channel,
        isReplay: Bool = false,
        now: Int64,
        in batch: inout DeliveryBatch
    ) {
        var lastEventAt = stream.pointee.lastEventAt
        if stream.pointee.eventCount == 0 {
            self.metrics.firstEvent(after: now - lastEventAt)
            lastEventAt = 0
        }
        if !batch.takes(first: first, next: next, lastEventAt: lastEventAt, isReplay: isReplay) {
            self.book(&batch, of: channel)
        }
        batch.add(
            first: first, next: next, byteCount: bytes, protocol: stream.pointee.applicationProtocol,
            lastEventAt: lastEventAt, isReplay: isReplay, now: now
        )
        if stream.pointee.isTraced {
            self.traced.add(stream.pointee.tracePlace)
            batch.traced &+= 1
        }
    }

    /// Counts what is in `batch` and empties it. Over HTTP/2 the events are in their connections' buffers so far: those
    /// are written at the end of the turn, and only then is it known how late they are.
    func book(_ batch: inout DeliveryBatch, of channel: Channel) {
        guard batch.streams > 0 else { return }
        defer { batch = DeliveryBatch() }
        guard batch.http2 > 0 else {
            let now = Clock.monotonic()
            self.book(batch, of: channel, at: now)
            self.traced.take(Int(batch.traced)) { self.recordEvents(of: batch, from: channel, to: $0, at: now) }
            return
        }
        if self.buffered.isEmpty {
            // Behind the flushes, which were scheduled when the first byte was buffered.
            self.later { $0.bookBuffered() }
        }
        self.buffered.append(BufferedBatch(batch: batch, channel: channel))
        self.traced.buffer(Int(batch.traced))
    }

    private func bookBuffered() {
        let now = Clock.monotonic()
        for entry in self.buffered { self.book(entry.batch, of: entry.channel, at: now) }
        self.traced.takeBuffered(self.buffered.lazy.map { Int($0.batch.traced) }) { index, places in
            let entry = self.buffered[index]
            self.recordEvents(of: entry.batch, from: entry.channel, to: places, at: now)
        }
        self.buffered.removeAll(keepingCapacity: true)
        self.freeEndedTraces()
    }

    private func book(_ batch: DeliveryBatch, of channel: Channel, at now: Int64) {
        guard self.configuration.metrics else { return }
        let events = batch.next - batch.first
        for sequence in batch.first..<batch.next where !batch.isReplay {
            // What has left the log meanwhile was there when it was handed over: it is as old as the oldest.
            let lag = now - (channel.log.publishedAt(sequence) ?? batch.deliveredAt)
            self.forEachProtocol(of: batch) { self.metrics.eventDelivered(lag: lag, streams: $1, over: $0) }
        }
        self.forEachProtocol(of: batch) {
            self.metrics.sent(events: events * $1, bytes: UInt64(batch.byteCount) * $1, over: $0)
        }
        // The first of a run follows the stream's last event; the others came together with it.
        if batch.lastEventAt > 0 {
            self.metrics.eventFollowed(gap: batch.deliveredAt - batch.lastEventAt, events: UInt64(batch.streams))
        }
        if events > 1 { self.metrics.eventFollowed(gap: 0, events: (events - 1) * UInt64(batch.streams)) }
    }

    @inline(__always)
    private func forEachProtocol(of batch: DeliveryBatch, _ body: (ApplicationProtocol, UInt64) -> Void) {
        if batch.http11 > 0 { body(.http11, UInt64(batch.http11)) }
        if batch.http2 > 0 { body(.http2, UInt64(batch.http2)) }
        if batch.http10 > 0 { body(.http10, UInt64(batch.http10)) }
    }
}
