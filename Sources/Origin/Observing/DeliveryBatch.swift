// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What a pass over a channel's streams has delivered and not yet counted. Most streams of a pass take the same events
// after the same pause, so they are counted together: a few additions per stream, one look at the clock per batch.

import NIOCore
import Transport

/// Streams that were handed one run of events.
struct DeliveryBatch {
    /// Streams counted together before the clock is read again: at 8 µs each, half a millisecond of lag at most is
    /// booked too much for those served first.
    static let size: UInt32 = 64

    private(set) var run = FramedLog.Run()
    private(set) var startedAt: Int64
    private(set) var streams: UInt32 = 0
    private(set) var http10: UInt32 = 0
    private(set) var http2: UInt32 = 0
    /// When the streams had got their last event before, and how many have it in common.
    private(set) var lastEventAt: Int64 = 0
    private(set) var following: UInt32 = 0

    init(at now: Int64) { self.startedAt = now }

    var isFull: Bool { self.streams >= Self.size }

    /// Whether a stream with this run, which got its last event then, can be counted with the others.
    @inline(__always)
    func takes(_ run: FramedLog.Run, lastEventAt: Int64) -> Bool {
        self.streams == 0 || (self.run.first == run.first && self.run.next == run.next && self.lastEventAt == lastEventAt)
    }

    /// - Parameter lastEventAt: 0 for a stream that had none.
    @inline(__always)
    mutating func add(_ run: FramedLog.Run, protocol: ApplicationProtocol, lastEventAt: Int64) {
        if self.streams == 0 {
            self.run = run
            self.lastEventAt = lastEventAt
        }
        self.streams &+= 1
        switch `protocol` {
        case .http10: self.http10 &+= 1
        case .http11: break
        case .http2: self.http2 &+= 1
        }
    }

    mutating func clear(at now: Int64) { self = DeliveryBatch(at: now) }
}
