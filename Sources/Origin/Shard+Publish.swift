// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Publishing on a channel's home loop: number, encode, append, and send to the loops that follow.

import EventStream
import NIOCore
import Telemetry
import Transport

extension Shard {
    /// What a publish came to.
    struct Published {
        var ids: [EventID] = []
        /// Streams, over all loops, that read the channel then.
        var streams = 0
    }

    /// Publishes from any loop; `body` is called on this loop with what came of it.
    /// - Parameter context: of the publish's span.
    func publish(
        _ events: [PublishedEvent],
        to key: ChannelKey,
        context: SpanContext,
        _ body: @escaping (Result<Published, ChannelRefusal>) -> Void
    ) {
        let home = key.home(among: self.directory.shards.count)
        if home == self.index { return body(self.publishAtHome(events, key: key, context: context)) }
        self.lastTicket += 1
        let ticket = self.lastTicket
        self.publishing[ticket] = body
        let publisher = self.index
        self.directory.send(to: home) { shard in
            let result = shard.publishAtHome(events, key: key, context: context)
            shard.directory.send(to: publisher) { $0.publishing.removeValue(forKey: ticket)?(result) }
        }
    }

    private func publishAtHome(
        _ events: [PublishedEvent],
        key: ChannelKey,
        context: SpanContext
    ) -> Result<Published, ChannelRefusal> {
        self.makeHome(key).map { channel in
            let now = Clock.monotonic()
            channel.idleSince = now
            var published = Published(streams: channel.audience.count)
            published.ids.reserveCapacity(events.count)
            var batch = EventBatch()
            if context.isSampled {
                batch.context = context
                let first = channel.log.nextSequence
                channel.publishSpans.add(context, from: first, to: first + UInt64(events.count))
            }
            for event in events {
                let id = EventID(epoch: channel.epoch, sequence: channel.log.nextSequence)
                self.encoding.clear()
                if context.isSampled, self.configuration.traceComments {
                    self.encoding.writeString(": traceparent=\(Traceparent.text(context))\n")
                }
                do throws(EventStreamError) {
                    try EventStreamEncoder.encode(
                        data: event.data.readableBytesView,
                        type: event.type,
                        id: id.description,
                        retry: event.retry,
                        into: &self.encoding
                    )
                } catch {
                    // Types and retry times were checked when the request was read.
                    self.shared.logger.error("event not encoded", metadata: ["error": "\(error)"])
                    continue
                }
                self.appendAtHome(channel, now: now, batch: &batch)
                published.ids.append(id)
            }
            self.sendToFollowers(batch, of: channel)
            return published
        }
    }

    /// One event of a measurement channel, now.
    func publishMeasurement(_ parameters: SyntheticParameters, on channel: Channel) {
        let sequence = channel.log.nextSequence
        self.encoding.clear()
        self.encoding.writeString("id: \(EventID(epoch: channel.epoch, sequence: sequence))\ndata: ")
        SyntheticPayload.write(
            sequence: sequence, unixNanoseconds: Clock.unix(), size: parameters.sizeBytes, into: &self.encoding
        )
        self.encoding.writeStaticString("\n\n")
        var batch = EventBatch()
        self.appendAtHome(channel, now: Clock.monotonic(), batch: &batch)
        self.sendToFollowers(batch, of: channel)
    }

    /// Appends what is in ``encoding``.
    private func appendAtHome(_ channel: Channel, now: Int64, batch: inout EventBatch) {
        if channel.home?.followers.isEmpty == false { batch.append(self.encoding, publishedAt: now) }
        self.metrics.published(events: 1)
        self.encoding.withUnsafeReadableBytes { self.append($0, publishedAt: now, to: channel) }
    }

    private func sendToFollowers(_ batch: EventBatch, of channel: Channel) {
        guard !batch.lengths.isEmpty, let followers = channel.home?.followers else { return }
        let key = channel.key
        let epoch = channel.epoch
        for follower in followers {
            self.directory.send(to: follower) { $0.receive(batch, key: key, epoch: epoch) }
        }
    }
}
