// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

@testable import Origin
@testable import Telemetry

/// The whole way of an event on one loop: numbered, encoded, appended, framed for each stream, counted, written.
final class FanOut: Workload {
    private let streams: OpenStreams
    private let events = [PublishedEvent(type: nil, retry: nil, data: ByteBuffer(string: SampleEvent.data))]
    private let nobody = SpanContext(traceID: .invalid, spanID: SpanID(0), flags: [])

    /// - Parameters:
    ///   - traced: each delivery to so many of the streams is recorded as a span.
    ///   - metrics: deliveries are counted for /metrics.
    init(traced: Int = 0, metrics: Bool = true) throws {
        self.streams = try OpenStreams(traced: traced, metrics: metrics)
        try self.prepare(2)
        // The first event of a stream is counted otherwise.
        _ = self.run(1)
        let bytes = self.run(1)
        let expected = OpenStreams.count * (9 + "id: mzxw6ytb.2\ndata: \n\n".utf8.count + 256)
        try expect(bytes == expected, "\(bytes) bytes were written, not \(expected)")
        let counted = self.streams.shard.streams[0].pointee.eventCount
        try expect(counted == 2, "\(counted) events are counted for the first stream")
    }

    func prepare(_ steps: Int) throws { try self.streams.openWindow() }

    func run(_ steps: Int) -> Int {
        var bytes = 0
        for _ in 0..<steps {
            self.streams.shard.publish(self.events, to: self.streams.key, context: self.nobody) { _ in }
            bytes &+= self.streams.written()
            // In a server it is the recorder's task that takes the spans over, on another thread.
            self.streams.tracer.processor.recorder?.absorb()
        }
        return bytes
    }
}
