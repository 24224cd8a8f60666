// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Draining: every stream is ended at a moment of its own within the window, after everything published before.

import NIOCore
import Transport

extension Shard {
    /// - Parameter end: monotonic nanoseconds when all streams should be gone.
    func startDraining(until end: Int64) {
        self.drainDeadline = end
        let now = Clock.monotonic()
        for slot in self.streams.range where self.streams.holds(slot) {
            let stream = self.streams[Int32(slot)]
            let deadline = self.drainTime(now: now, end: end)
            guard deadline < stream.pointee.deadline else { continue }
            stream.pointee.deadline = deadline
            stream.pointee.record.deadlineReason = .drain
        }
        self.server?.closeIdleConnections(of: ListenerName.open)
    }

    /// A random moment between now and the end, so that clients come back one by one.
    func drainTime(now: Int64, end: Int64) -> Int64 {
        now >= end ? now : Int64.random(in: now..<end)
    }

    /// Ends everything at once.
    func shutDown() {
        let now = Clock.monotonic()
        for slot in self.streams.range where self.streams.holds(slot) {
            self.cut(Int32(slot), reason: .shutdown, now: now)
        }
        self.server?.closeAll()
    }
}
