// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

final class LogReading: Workload {
    private let log = FramedLog(maximumMessages: 1024, maximumBytes: 1 << 20)
    private let behind: UInt64

    /// - Parameter behind: messages that the reader does not have yet.
    init(behind: Int) throws {
        self.behind = UInt64(behind)
        SampleEvent.blockBytes.withUnsafeBytes { block in
            for step in 0..<2000 { self.log.append(block, publishedAt: Int64(step)) }
        }
        let count = self.run(1)
        try expect(count == behind * SampleEvent.chunkBytes.count, "the run has \(count) bytes")
        let run = self.log.run(from: self.log.nextSequence - self.behind, limit: .max)
        try expect(run.bytes.starts(with: SampleEvent.chunkBytes), "the run does not start with the event as a chunk")
        try expect(run.next == self.log.nextSequence, "the run ends before the head")
    }

    /// What a pass asks before it writes to a stream that stands elsewhere than the one before.
    func run(_ steps: Int) -> Int {
        var bytes = 0
        for _ in 0..<steps {
            let position = self.log.nextSequence - self.behind
            guard self.log.holds(position) else { return -1 }
            bytes &+= self.log.run(from: position, limit: 65_536).bytes.count
        }
        return bytes
    }
}
