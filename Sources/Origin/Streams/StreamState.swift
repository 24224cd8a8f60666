// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A stream as its event loop keeps it: what delivery touches at every event in one flat struct, the rest beside it.

import NIOCore
import Telemetry
import Transport

/// The hot part of one open stream. Times are monotonic nanoseconds.
///
/// The order of the fields is their order in memory: what a fan-out reads and writes for each event comes first and
/// is 64 bytes, a cache line, and nothing of it is a reference, so that serving a stream neither counts one nor follows
/// one. The whole is two lines, and ``StreamTable`` puts it where a line begins.
struct StreamState {
    /// ``Subscriber/member`` of a stream that reads one channel.
    static let single: Int32 = -1
    static let untraced: Int32 = -1

    /// Held as long as ``transport``, as it must be.
    let gate: StreamGate
    /// The sequence number of the next event to send. Of several channels, see ``StreamRecord/members``.
    var position: UInt64
    /// Since when the socket takes nothing; 0 while it does.
    var blockedSince: Int64 = 0
    private(set) var lastWriteAt: Int64
    /// The longest time between two writes.
    var longestPause: Int64 = 0
    var eventCount: UInt64 = 0
    var byteCount: UInt64 = 0

    /// When the stream ends by our doing; `Int64.max` if nothing says so.
    var deadline: Int64
    /// Of a stream that is sampled, its place in the ``TraceTable``; ``untraced`` of another one.
    let tracePlace: Int32
    /// ``heartbeatInterval`` in tenths of a second: the sweep that looks at it comes ten times a second.
    private let heartbeatTenths: UInt16
    private var flags: Flags = []
    let applicationProtocol: ApplicationProtocol
    let transport: ServerStream
    /// The channel it reads; for a stream of several, the first.
    let channel: Channel
    let record: StreamRecord
    /// When the last message went out that is no event, and when the last event before it did: so ``lastEventAt`` costs
    /// an event nothing.
    private var lastMessageAt = Int64.min
    private var lastEventBeforeMessage: Int64

    init(
        transport: ServerStream,
        channel: Channel,
        position: UInt64,
        deadline: Int64,
        heartbeatInterval: Int64,
        tracePlace: Int32 = Self.untraced,
        record: StreamRecord
    ) {
        self.gate = transport.gate
        self.position = position
        self.lastWriteAt = record.openedAt
        self.lastEventBeforeMessage = record.openedAt
        self.deadline = deadline
        // More than a hundred minutes is as good as any: no timer on the way is that long.
        let tenths = (heartbeatInterval + 50_000_000) / 100_000_000
        self.heartbeatTenths = heartbeatInterval > 0 ? UInt16(clamping: max(tenths, 1)) : 0
        self.applicationProtocol = record.applicationProtocol
        self.transport = transport
        self.tracePlace = tracePlace
        self.channel = channel
        self.record = record
    }

    /// What is said in a bit each, so that the struct stays two cache lines.
    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let isEnding = Flags(rawValue: 1)
        static let waitsForWindow = Flags(rawValue: 2)
    }

    /// ``StreamRecord/ending`` is set. Here for the sweep, which would otherwise follow every stream's record.
    var isEnding: Bool {
        get { self.flags.contains(.isEnding) }
        set { if newValue { self.flags.insert(.isEnding) } else { self.flags.remove(.isEnding) } }
    }

    /// Its events are recorded one by one.
    var isTraced: Bool { self.tracePlace >= 0 }

    /// It waits for its peer's HTTP/2 windows; for as long as ``blockedSince`` is set.
    var waitsForWindow: Bool {
        get { self.flags.contains(.waitsForWindow) }
        set { if newValue { self.flags.insert(.waitsForWindow) } else { self.flags.remove(.waitsForWindow) } }
    }

    /// After how many nanoseconds without a write it gets a heartbeat; 0 for none.
    var heartbeatInterval: Int64 { Int64(self.heartbeatTenths) * 100_000_000 }

    /// Notes that the socket takes no more.
    mutating func block(now: Int64) {
        self.blockedSince = now
        self.waitsForWindow = self.transport.waitsForWindow
    }

    /// When the last event went out, or when the stream opened.
    var lastEventAt: Int64 {
        self.lastWriteAt == self.lastMessageAt ? self.lastEventBeforeMessage : self.lastWriteAt
    }

    /// Notes that events went out in a pass.
    @inline(__always)
    mutating func wrote(events: UInt64, bytes: Int, now: Int64) {
        self.longestPause = max(self.longestPause, now - self.lastWriteAt)
        self.lastWriteAt = now
        self.byteCount += UInt64(bytes)
        self.eventCount += events
    }

    /// The same for events that may follow another message at the same time.
    mutating func wroteApart(events: UInt64, bytes: Int, now: Int64) {
        self.lastMessageAt = .min
        self.wrote(events: events, bytes: bytes, now: now)
    }

    /// Notes that bytes went out which are no event.
    mutating func wrote(messageBytes: Int, now: Int64) {
        self.lastEventBeforeMessage = self.lastEventAt
        self.wrote(events: 0, bytes: messageBytes, now: now)
        self.lastMessageAt = now
    }
}

/// The cold part: written when a stream opens, read when it is looked at or ends.
final class StreamRecord {
    /// One of several channels that a stream reads.
    struct Member {
        let channel: Channel
        var position: UInt64
        /// What lies before was published before the stream opened: to hand it over late is no lag.
        let liveFrom: UInt64
        var subscriberIndex: Int32 = 0
    }

    let number: UInt64
    let id: String
    let channelText: String
    /// The client's address as trusted intermediaries tell it; the L4 peer's without them.
    let client: String
    let path: String
    let applicationProtocol: ApplicationProtocol
    let connection: Connection
    let requestNumber: UInt64
    let openedAt: Int64
    let heartbeat: HeartbeatForm
    /// `x-envoy-expected-rq-timeout-ms`: how long the hop before us said it would wait.
    let announcedLimitMilliseconds: Int64?
    let resumeOutcome: ResumeOutcome?
    /// The same of a stream of one channel; see ``Member/liveFrom``.
    var liveFrom: UInt64 = 0
    /// Of a stream of one channel, its place in the channel's list of subscribers.
    var subscriberIndex: Int32 = 0
    /// Empty for a stream of one channel.
    var members: [Member] = []
    var deadlineReason: OriginClose = .durationComplete
    var heartbeatCount: UInt64 = 0
    /// The trace that the client was told of, sampled or not.
    var traceID = TraceID.invalid
    /// The stream is to end once its socket takes the last bytes.
    var ending: StreamEnding?

    init(
        number: UInt64,
        id: String,
        channelText: String,
        client: String,
        path: String,
        request: RequestHead,
        openedAt: Int64,
        heartbeat: HeartbeatForm,
        resumeOutcome: ResumeOutcome?
    ) {
        self.number = number
        self.id = id
        self.channelText = channelText
        self.client = client
        self.path = path
        self.applicationProtocol = request.applicationProtocol
        self.connection = request.connection
        self.requestNumber = request.requestNumber
        self.openedAt = openedAt
        self.heartbeat = heartbeat
        self.announcedLimitMilliseconds = request.headers.first(name: "x-envoy-expected-rq-timeout-ms")
            .flatMap { Int64($0) }
        self.resumeOutcome = resumeOutcome
    }
}

/// What a stream that is ending still has to say, and why it ends.
struct StreamEnding {
    let reason: OriginClose
    /// When waiting for the socket is over and the stream is cut.
    let patience: Int64
}

/// How a stream is kept alive.
enum HeartbeatForm: Equatable {
    /// `: heartbeat`, which every receiver ignores.
    case comment
    /// `event: heartbeat`, for pages that want to see it: EventSource hides comments.
    case event
}
