// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Origin
@testable import Transport

/// What a delivery leaves behind, without the delivery: the stream's position and state, and the batch, whose share of
/// the metrics is included.
final class DeliveryBooking: Workload {
    private let streams: OpenStreams
    private let channel: Channel
    private var sequence: UInt64 = 1
    private var now: Int64 = 1

    init() throws {
        self.streams = try OpenStreams()
        guard let channel = self.streams.shard.channels[self.streams.key] else { throw WorkloadError("no channel") }
        self.channel = channel
        _ = self.run(1)
        let state = self.streams.shard.streams[0].pointee
        try expect(state.eventCount == 1 && state.position == 2, "the first stream's state is \(state)")
        let sent = self.streams.shard.metrics.snapshot()[self.streams.shard.metrics.series.eventsSent[.http2]]
        try expect(sent == UInt64(OpenStreams.count), "\(sent) events were counted")
    }

    func run(_ steps: Int) -> Int {
        let shard = self.streams.shard
        let bytes = SampleEvent.chunkBytes.count
        for _ in 0..<steps {
            let next = self.sequence + 1
            self.now += 1_000_000
            var batch = DeliveryBatch()
            for slot in 0..<Int32(OpenStreams.count) {
                let stream = shard.streams[slot]
                stream.pointee.position = next
                shard.count(
                    from: self.sequence, to: next, bytes: bytes, on: stream, of: self.channel, now: self.now,
                    in: &batch)
                stream.pointee.wrote(events: 1, bytes: bytes, now: self.now)
            }
            shard.book(&batch, of: self.channel)
            // Where the batches of HTTP/2 streams are counted.
            self.streams.channel.embeddedEventLoop.run()
            self.sequence = next
        }
        return Int(shard.streams[0].pointee.byteCount)
    }
}
