// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What a pass over a channel's streams has delivered and not yet counted. Most streams of a pass take the same events
// after the same pause, so they are counted together: a few additions per stream, one look at the clock per batch.

import Transport

/// Streams that were handed the same events.
struct DeliveryBatch {
    /// Streams over HTTP/1.1 counted together before the clock is read: at 8 µs each, the lag booked for those served
    /// first is half a millisecond too long at most. Over HTTP/2 the clock is read when their buffer has been written.
    static let size: UInt32 = 64

    /// The first event, and the first behind them.
    private(set) var first: UInt64 = 0
    private(set) var next: UInt64 = 0
    private(set) var byteCount = 0
    /// When the streams had got an event before; 0 if they had none.
    private(set) var lastEventAt: Int64 = 0
    private(set) var deliveredAt: Int64 = 0
    /// The events were published before the streams opened.
    private(set) var isReplay = false

    private(set) var streams: UInt32 = 0
    private(set) var http10: UInt32 = 0
    private(set) var http2: UInt32 = 0
    /// Those that are traced; which they are is in ``TracedDeliveries``.
    var traced: UInt32 = 0
    var http11: UInt32 { self.streams - self.http10 - self.http2 }

    /// Whether what is handed to one more stream can be counted with the rest.
    @inline(__always)
    func takes(first: UInt64, next: UInt64, lastEventAt: Int64, isReplay: Bool = false) -> Bool {
        self.streams &- self.http2 < Self.size
            && (self.streams == 0
                || (self.first == first && self.next == next && self.lastEventAt == lastEventAt
                    && self.isReplay == isReplay))
    }

    @inline(__always)
    mutating func add(
        first: UInt64,
        next: UInt64,
        byteCount: Int,
        protocol: ApplicationProtocol,
        lastEventAt: Int64,
        isReplay: Bool = false,
        now: Int64
    ) {
        self.first = first
        self.next = next
        self.byteCount = byteCount
        self.lastEventAt = lastEventAt
        self.isReplay = isReplay
        self.deliveredAt = now
        self.streams &+= 1
        if `protocol` == .http2 {
            self.http2 &+= 1
        } else if `protocol` == .http10 {
            self.http10 &+= 1
        }
    }
}
