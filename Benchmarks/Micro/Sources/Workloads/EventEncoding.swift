// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore

final class EventEncoding: Workload {
    private let data = ByteBuffer(string: SampleEvent.data)
    /// Reused from event to event, as by the channel's home loop.
    private var buffer = ByteBuffer()

    init() throws {
        let count = self.run(1)
        try expect(count == SampleEvent.blockBytes.count, "\(count) bytes were encoded")
        try expect(String(buffer: self.buffer) == SampleEvent.block, "not the event: \(String(buffer: self.buffer))")
    }

    func run(_ steps: Int) -> Int {
        var bytes = 0
        for _ in 0..<steps {
            self.buffer.clear()
            do throws(EventStreamError) {
                try EventStreamEncoder.encode(
                    data: self.data.readableBytesView, type: nil, id: SampleEvent.id, into: &self.buffer)
            } catch { return -1 }
            bytes &+= self.buffer.readableBytes
        }
        return bytes
    }
}
