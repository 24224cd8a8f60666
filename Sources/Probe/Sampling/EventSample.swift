// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One received event: the record that flows from the clients to the statistics and from there to the reports.
///
/// Times with "monotonic" are nanoseconds of this process's monotonic clock; a publish time is the publisher's own, and
/// comparable to ours only through a ``ClockOffset``.
public struct EventSample: Sendable, Hashable {
    /// Which of the run's paths, from 0.
    public var path: Int
    /// Which of the path's streams, from 0.
    public var stream: Int
    /// Which event of its stream, from 1, reconnects counted through.
    public var number: Int
    /// The `id` field of this very event.
    public var id: String?
    /// The `event` field; nil for an ordinary message.
    public var type: String?
    /// The publisher's own number, from the payload.
    public var sequence: Int64?
    /// Unix nanoseconds of the publisher's clock, from the payload.
    public var publishTime: Int64?
    /// When the read returned that brought the event's first byte. Monotonic.
    public var firstByte: Int64
    /// When the read returned that brought the byte which completed the event: the moment of its arrival. Monotonic.
    public var lastByte: Int64
    /// The length of the event in the stream: its lines with their ends and the blank line, comments not counted.
    public var bytes: Int
    /// The number of the completing read on its connection, from 1: events with one number came together.
    public var read: UInt64
    /// Of type and data, to tell equal events from altered ones; the same in every process.
    public var digest: UInt64
}

extension EventSample {
    /// What identifies an event on every path: its id, or the publisher's number, or its content.
    public enum Key: Hashable, Sendable {
        case id(String)
        case sequence(Int64)
        case digest(UInt64)
    }

    public var key: Key {
        if let id, !id.isEmpty { return .id(id) }
        if let sequence { return .sequence(sequence) }
        return .digest(digest)
    }

    /// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), 64 bits, over type, NUL and data.
    static func digest(type: String?, data: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (type ?? "").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = hash &* 0x100_0000_01b3
        for byte in data.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}
