// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The span of a publish: a child of the publisher's trace, and what the spans of its events' deliveries link to.

import NIOCore
import Telemetry
import Transport

extension Shard {
    func startPublishSpan(_ head: RequestHead, channel: ChannelName, events: [PublishedEvent]) -> OpenSpan {
        var span = self.spans.start(
            "publish \(channel.text)", kind: .producer, parent: self.remoteParent(of: head),
            at: self.unix(head.receivedAt))
        guard span.isRecording else { return span }
        span.set([
            Attribute(SpanKey.messagingSystem, "headwater"),
            Attribute(SpanKey.messagingOperation, "publish"),
            Attribute(SpanKey.messagingOperationType, "send"),
            Attribute(SpanKey.messagingDestination, channel.text),
            Attribute(SpanKey.messagingBatchCount, events.count),
            Attribute(SpanKey.messagingBodySize, events.reduce(0) { $0 + $1.data.readableBytes }),
            Attribute(SpanKey.clientAddress, head.connection.peerAddress),
        ])
        return span
    }

    /// - Parameter streams: how many had the events on their way when they were numbered.
    func endPublishSpan(_ span: OpenSpan, ids: [EventID], streams: Int) {
        guard span.isRecording else { return }
        var span = span
        if let first = ids.first { span.set(SpanKey.eventID, "\(first)") }
        span.set(SpanKey.fanOut, streams)
        let now = Clock.monotonic()
        self.spans.end(span, at: self.unix(now), monotonic: now)
    }
}

/// Which publish an event came with, for as long as the log may hold it.
struct PublishSpans {
    private struct Entry {
        /// The first event of the publish, and the first behind it.
        let first: UInt64
        let next: UInt64
        let link: SharedLink
    }

    /// Sampled publishes that are remembered for each channel; the oldest goes first.
    private static let remembered = 256
    private var entries = CircularBuffer<Entry>()

    mutating func add(_ context: SpanContext, from first: UInt64, to next: UInt64) {
        if self.entries.count == Self.remembered { self.entries.removeFirst() }
        self.entries.append(Entry(first: first, next: next, link: SharedLink(context)))
    }

    func link(to sequence: UInt64) -> SharedLink? {
        guard !self.entries.isEmpty else { return nil }
        // What is delivered is nearly always among the last.
        return self.entries.last { $0.first <= sequence }.flatMap { sequence < $0.next ? $0.link : nil }
    }
}
