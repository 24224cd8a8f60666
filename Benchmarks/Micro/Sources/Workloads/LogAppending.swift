// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

final class LogAppending: Workload {
    /// As large as a channel's by default, and full: each append drops the oldest.
    private let log = FramedLog(maximumMessages: 1024, maximumBytes: 1 << 20)

    init() throws {
        _ = self.run(2000)
        try expect(self.log.count == 1024 && self.log.nextSequence == 2001, "the log holds \(self.log.count) messages")
        let run = self.log.run(from: 2000, limit: .max)
        try expect(run.bytes.elementsEqual(SampleEvent.chunkBytes), "the newest message is not the event as a chunk")
    }

    func run(_ steps: Int) -> Int {
        SampleEvent.blockBytes.withUnsafeBytes { block in
            for step in 0..<steps { self.log.append(block, publishedAt: Int64(step)) }
        }
        return self.log.byteCount
    }
}
