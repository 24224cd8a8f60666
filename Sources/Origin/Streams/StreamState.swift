// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A stream as its event loop keeps it: what delivery touches at every event in one flat struct, the rest beside it.

import NIOCore
import Telemetry
import Transport

/// The hot part of one open stream. Times are monotonic nanoseconds.
///
/// The order of the fields is their order in memory: what a fan-out reads and writes for each event comes first, a
/// cache line and one word of the next, and nothing of it is a reference, so that serving a stream neither counts one
/// nor follows one. The whole is two lines, and ``StreamTable`` puts it where a pair of them begins, which the processor
/// fetches together.
struct StreamState {
    /// ``Subscriber/member`` of a stream that reads one channel.
    static let single: Int32 = -1

    /// Held as long as ``transport``, as it must be.
    let gate: StreamGate
    /// The sequence number of the next event to send. Of several channels, see ``StreamRecord/members``.
    var position: UInt64
    /// Since when the socket takes nothing; 0 while it does.
    var blockedSince: Int64 = 0
    var lastWriteAt: Int64
    var lastEventAt: Int64
    /// The longest time between two writes.
    var longestPause: Int64 = 0
    var eventCount: UInt64 = 0
    var byteCount: UInt64 = 0

    /// When the stream ends by our doing; `Int64.max` if nothing says so.
    var deadline: Int64
    /// Place in the channel's list of subscribers.
    var subscriberIndex: Int32
    /// ``StreamRecord/ending`` is set. Here for the sweep, which would otherwise follow every stream's record.
    var isEnding = false
    /// Its events are recorded one by one, in ``StreamRecord/trace``.
    let isTraced: Bool
    /// It waits for its peer's HTTP/2 windows; for as long as ``blockedSince`` is set.
    var waitsForWindow = false
    let applicationProtocol: ApplicationProtocol
    let transport: ServerStream
    /// The channel it reads; for a stream of several, the first.
    let channel: Channel
    let record: StreamRecord
    /// When the stream tells of itself in its trace; `Int64.max` if it has none.
    var segmentDue = Int64.max

    init(transport: ServerStream, channel: Channel, position: UInt64, deadline: Int64, record: StreamRecord) {
        self.gate = transport.gate
        self.position = position
        self.lastWriteAt = record.openedAt
        self.lastEventAt = record.openedAt
        self.deadline = deadline
        self.subscriberIndex = 0
        self.isTraced = record.trace != nil
        self.applicationProtocol = record.applicationProtocol
        self.transport = transport
        self.channel = channel
        self.record = record
    }

    /// Notes that the socket takes no more.
    mutating func block(now: Int64) {
        self.blockedSince = now
        self.waitsForWindow = self.transport.waitsForWindow
    }

    /// Notes that bytes went out.
    @inline(__always)
    mutating func wrote(bytes: Int, now: Int64) {
        self.longestPause = max(self.longestPause, now - self.lastWriteAt)
        self.lastWriteAt = now
        self.byteCount += UInt64(bytes)
    }
}

/// The cold part: written when a stream opens, read when it is looked at or ends.
final class StreamRecord {
    /// One of several channels that a stream reads.
    struct Member {
        let channel: Channel
        var position: UInt64
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
    /// Empty for a stream of one channel.
    var members: [Member] = []
    var deadlineReason: OriginClose = .durationComplete
    var heartbeatCount: UInt64 = 0
    /// Of a stream that is sampled.
    var trace: StreamTrace?
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
