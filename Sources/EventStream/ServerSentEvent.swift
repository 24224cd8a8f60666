// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One event of an event stream, as written by ``EventStreamEncoder`` and dispatched by ``EventStreamDecoder``.
///
/// It holds what one block of the stream says (HTML, section 9.2.5), plus the last event ID that a receiver knows once
/// it has read the block. It is not a DOM `MessageEvent`: there is no origin, and an absent type stays absent.
///
/// Note that `==` compares strings as Swift does, by canonical equivalence; compare `utf8` views where bytes matter.
public struct ServerSentEvent: Sendable, Equatable {
    /// The largest reconnection time in milliseconds, 2³¹−1 (almost 25 days). It is what a timer in a browser can hold,
    /// and small enough that turning it into nanoseconds cannot overflow.
    public static let maximumRetry = Int(Int32.max)

    /// The value of the `event` field; `nil` when the block has none or an empty one, which mean the same.
    public var type: String?

    /// The lines of all `data` fields, joined by LF.
    public var data: String

    /// The `id` field of this very block; `nil` when it has none, the empty string when it clears the last event ID.
    public var id: String?

    /// The `retry` field of this very block, in milliseconds.
    public var retry: Int?

    /// The last event ID in force for this event: its own, or the one that an earlier block left behind. Set by the
    /// decoder; the encoder never writes it.
    public var lastEventID: String

    /// The name under which listeners receive the event: ``type``, or `message` without one (section 9.2.6).
    public var effectiveType: String {
        if let type, !type.isEmpty { type } else { "message" }
    }

    /// Creates an event. `lastEventID` defaults to the event's own id.
    public init(
        type: String? = nil,
        data: String,
        id: String? = nil,
        retry: Int? = nil,
        lastEventID: String? = nil
    ) {
        self.type = type
        self.data = data
        self.id = id
        self.retry = retry
        self.lastEventID = lastEventID ?? id ?? ""
    }
}
