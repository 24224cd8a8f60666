// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What was seen of one stream when it ended. It is filled in by the connection that owned the stream and judged by
// `classify(_:among:)`; nothing here interprets. All times are nanoseconds of one monotonic clock of the process.

/// What was seen of one stream when it ended.
public struct CloseEvidence: Equatable, Sendable {
    /// Who ended the stream, and how.
    public enum Ending: Equatable, Sendable {
        case origin(OriginClose)
        case peer(PeerEnd)
    }

    public enum HTTPVersion: String, Sendable {
        case http1 = "http/1.1"
        case http2 = "http/2"
    }

    public var ending: Ending
    public var httpVersion: HTTPVersion

    /// Process-wide id of the stream; the population recognises a close by it.
    public var stream: UInt64

    /// Process-wide id of the connection that carried the stream.
    public var connection: UInt64

    /// Address of the TCP peer *without its port*: with the port each HTTP/1.1 stream would be a population of its own.
    /// Behind an intermediary this is the intermediary, never the address it reports for the client.
    public var peer: String

    /// When the end was seen.
    public var endNanoseconds: Int64

    /// From the response head to the end.
    public var ageNanoseconds: Int64

    /// From the last byte of this stream that the kernel accepted to the end. The head counts as a byte.
    public var idleNanoseconds: Int64

    /// From the last event to the end; heartbeats do not count. The age when there was no event.
    public var eventIdleNanoseconds: Int64

    /// From the return of our last write, failed or not, to the end. Equals `idleNanoseconds` unless that write failed.
    public var sinceWriteNanoseconds: Int64

    /// For how long up to the end nothing could be written although something was to be written; 0 when not blocked.
    public var writeBlockedNanoseconds: Int64

    /// The longest pause between two of our writes that the stream lived through, or nil when that is not kept. It
    /// refutes every idle timer that is shorter, so it is worth a comparison per write.
    public var longestPauseNanoseconds: Int64?

    /// The pause before our last write, or nil when that is not kept. If that write found the end, the real leave was
    /// at most so much earlier.
    public var lastPauseNanoseconds: Int64?

    /// The heartbeat interval of this stream, or nil when heartbeats are off.
    public var heartbeatNanoseconds: Int64?

    /// HTTP/2: the connection that carried the stream ended as well, before the close was judged.
    public var connectionEnded = false

    /// The lifetime that a hop announced with the request (`x-envoy-expected-rq-timeout-ms`), in milliseconds.
    public var announcedLimitMilliseconds: Int64?

    /// Bytes sent that the peer's kernel had not acknowledged (TCP_INFO), when known.
    public var unacknowledgedBytes: Int?

    /// Bytes that had not left our kernel (SIOCOUTQ), when known.
    public var unsentBytes: Int?

    /// Events and bytes written over the stream's life.
    public var events: UInt64
    public var bytes: UInt64

    public init(
        ending: Ending,
        httpVersion: HTTPVersion,
        stream: UInt64,
        connection: UInt64,
        peer: String,
        endNanoseconds: Int64,
        ageNanoseconds: Int64,
        idleNanoseconds: Int64,
        eventIdleNanoseconds: Int64? = nil,
        sinceWriteNanoseconds: Int64? = nil,
        writeBlockedNanoseconds: Int64 = 0,
        longestPauseNanoseconds: Int64? = nil,
        lastPauseNanoseconds: Int64? = nil,
        heartbeatNanoseconds: Int64? = nil,
        announcedLimitMilliseconds: Int64? = nil,
        unacknowledgedBytes: Int? = nil,
        unsentBytes: Int? = nil,
        events: UInt64 = 0,
        bytes: UInt64 = 0
    ) {
        self.ending = ending
        self.httpVersion = httpVersion
        self.stream = stream
        self.connection = connection
        self.peer = peer
        self.endNanoseconds = endNanoseconds
        self.ageNanoseconds = ageNanoseconds
        self.idleNanoseconds = idleNanoseconds
        self.eventIdleNanoseconds = eventIdleNanoseconds ?? ageNanoseconds
        self.sinceWriteNanoseconds = sinceWriteNanoseconds ?? idleNanoseconds
        self.writeBlockedNanoseconds = writeBlockedNanoseconds
        self.longestPauseNanoseconds = longestPauseNanoseconds
        self.lastPauseNanoseconds = lastPauseNanoseconds
        self.heartbeatNanoseconds = heartbeatNanoseconds
        self.announcedLimitMilliseconds = announcedLimitMilliseconds
        self.unacknowledgedBytes = unacknowledgedBytes
        self.unsentBytes = unsentBytes
        self.events = events
        self.bytes = bytes
    }
}

/// Why we ended a stream ourselves.
public enum OriginClose: Equatable, Sendable {
    /// The bound that a slow stream passed.
    public enum SlowBound: Equatable, Sendable {
        case bytes(Int)
        case seconds(Double)
        /// The next event of the cursor had left the ring.
        case fellOffRing
    }

    case drain
    case durationComplete
    case maxLifetime
    case slowConsumer(SlowBound)
    case shutdown
    /// The peer broke the protocol; the text says how, and is ours, never the peer's.
    case protocolError(String)
}

/// How the peer's end of a stream showed.
public enum PeerEnd: Equatable, Sendable {
    /// HTTP/1.1: an orderly end of the TCP stream.
    case fin
    /// HTTP/1.1: ECONNRESET or EPIPE, found by reading.
    case reset
    /// A write failed with this `errno`: the end was there before, the write only found it.
    case writeFailed(errno: Int32)
    /// The kernel gave up with this `errno`: ETIMEDOUT, EHOSTUNREACH or ENETUNREACH.
    case timedOut(errno: Int32)
    /// HTTP/2: RST_STREAM; the connection lives on.
    case rstStream(code: UInt32)
    /// HTTP/2: GOAWAY that ended the stream, with the peer's debug text.
    case goAway(code: UInt32, debug: String)
    /// HTTP/2: the TCP connection ended without GOAWAY while streams were open on it.
    case tcpEndUnderOpenStreams(reset: Bool)

    /// Whether the whole HTTP/2 connection ended, and every stream on it.
    var endsConnection: Bool {
        switch self {
        case .goAway, .tcpEndUnderOpenStreams: true
        case .fin, .reset, .writeFailed, .timedOut, .rstStream: false
        }
    }
}
