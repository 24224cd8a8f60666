// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The span of one delivered event, in the three numbers that are kept of it until somebody looks. What the spans of a
// stream share is in their template, and when the event was handed over is the span's start and end.

import Telemetry

struct EventSpan: Equatable {
    let sequence: UInt64
    /// Nanoseconds from the publish to the hand-over to the socket.
    let lag: Int64
    /// Of the encoded event.
    let bytes: Int
    /// It was published before the stream opened.
    let isReplay: Bool

    init(sequence: UInt64, lag: Int64, bytes: Int, isReplay: Bool) {
        self.sequence = sequence
        self.lag = lag
        self.bytes = bytes
        self.isReplay = isReplay
    }

    init(_ numbers: SpanNumbers) {
        self.sequence = UInt64(bitPattern: numbers.first)
        self.lag = numbers.second
        self.bytes = Int(numbers.third >> 1)
        self.isReplay = numbers.third & 1 == 1
    }

    var numbers: SpanNumbers {
        SpanNumbers(Int64(bitPattern: self.sequence), self.lag, Int64(self.bytes) << 1 | (self.isReplay ? 1 : 0))
    }

    /// - Parameter writeTime: Nanoseconds from the stream's turn to the hand-over.
    func attributes(streamID: String, channel: String, epoch: Epoch, writeTime: Int64) -> [Attribute] {
        [
            Attribute(SpanKey.streamID, streamID),
            Attribute(SpanKey.eventID, EventID(epoch: epoch, sequence: self.sequence).description),
            Attribute(SpanKey.channel, channel),
            Attribute(SpanKey.isReplay, self.isReplay),
            Attribute(SpanKey.eventBytes, self.bytes),
            Attribute(SpanKey.eventLag, self.lag.seconds),
            Attribute(SpanKey.eventQueueWait, (self.lag - writeTime).seconds),
            Attribute(SpanKey.eventWriteTime, writeTime.seconds),
        ]
    }
}
