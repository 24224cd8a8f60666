// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

/// One HTTP/2 connection as its server sees it (RFC 9113): bytes in, events out; calls in, bytes out.
///
/// A pure state machine: it opens no socket, starts no timer and reads no clock. Its driver
/// 1. gives it what was read (``receive(_:now:)``) and pulls events until there is none (``nextEvent()``),
/// 2. answers with ``sendHead(_:_:endStream:)``, ``appendData(_:_:endStream:)`` and their siblings,
/// 3. writes the output and says so (``withOutput(_:)`` and ``outputWritten(_:)``, or ``takeOutput()`` and
///    ``outputFlushed(_:)``),
/// 4. then resumes waiting streams while ``nextWritable()`` names one.
///
/// Everything is bounded: streams by ``HTTP2SessionConfiguration/maxConcurrentStreams``, output by `maxBufferedBytes`
/// and `maxControlBytes`, bodies by the receive windows, field blocks by `maxHeaderBlockBytes`, and what costs work
/// but no memory by ``HTTP2FloodLimits``. Not copyable, so that no write can ever copy a buffer or a table.
public struct HTTP2ServerSession: ~Copyable {
    /// The limits in force.
    public let configuration: HTTP2SessionConfiguration
    /// Running totals.
    public internal(set) var counters = HTTP2SessionCounters()
    /// The time that the driver told last, in nanoseconds of a monotonic clock.
    public internal(set) var now: Int64
    /// Whether the peer has acknowledged our SETTINGS.
    public internal(set) var settingsAcknowledged = false
    /// The largest stream identifier handed to the caller, which our GOAWAY names.
    public internal(set) var lastProcessedStreamID: UInt32 = 0

    let startedAt: Int64
    var phase = HTTP2SessionPhase.preface(matched: 0)
    var input = ByteBuffer()
    var headerBlock: HTTP2HeaderBlock?
    var decoder: HPACKDecoder
    /// Set when we lowered the table: the next field block must begin with a size update (section 4.3.1).
    var tableSizeUpdateDue = false
    /// The largest identifier that the peer has used, refused streams included.
    var lastStreamID: UInt32 = 0

    var table: HTTP2StreamTable
    var closed: HTTP2ClosedStreams
    var abuse: HTTP2AbuseGuard
    var peer = HTTP2PeerSettings()
    var connectionReceive: HTTP2ReceiveWindow
    /// What SETTINGS_INITIAL_WINDOW_SIZE of ours is in force: the peer may use 65,535 until it acknowledges less.
    var streamReceiveWindow: Int

    var encoder = HTTP2FieldEncoder()
    var output = HTTP2Output()
    /// Taken by the driver and not yet flushed.
    var outputInFlight = 0
    var connectionSendWindow = HTTP2Constant.defaultWindow
    var connectionStalledSince: Int64?
    /// DATA frames that a tiny window cut to a few bytes. They earn the peer no credit for WINDOW_UPDATE frames.
    var crumbs: UInt64 = 0
    /// Streams that wait for the connection window or for the output, longest first.
    var waiting = HTTP2StreamQueue()
    /// The stream whose turn it is (``nextWritable()``), or -1.
    var turn: Int32 = -1
    /// An append did not fit: nobody's turn until some output has left.
    var outputRefused = false
    /// Streams whose response is complete and whose request is not, oldest first.
    var lingering = HTTP2StreamQueue()
    var goAwayState = HTTP2GoAwayState.none

    /// A session for a connection on which nothing was read yet. Our SETTINGS are in the output at once.
    ///
    /// - Parameters:
    ///   - configuration: the limits; values outside the protocol's range are brought into it.
    ///   - now: the time, in nanoseconds of a monotonic clock.
    ///   - seed: makes the index of streams unpredictable to the peer.
    public init(
        configuration: HTTP2SessionConfiguration = HTTP2SessionConfiguration(),
        now: Int64,
        seed: UInt64 = .random(in: .min ... .max)
    ) {
        let configuration = configuration.clamped()
        self.configuration = configuration
        self.now = now
        startedAt = now
        // RFC 7541 section 4.2: the table is 4,096 bytes until the peer has seen our SETTINGS.
        decoder = HPACKDecoder(
            allocator: ByteBufferAllocator(),
            maxDynamicTableSize: HTTP2Constant.defaultHeaderTableSize,
            maxHeaderListSize: configuration.maxHeaderBlockBytes
        )
        decoder.maxDynamicTableLength = max(configuration.headerTableSize, HTTP2Constant.defaultHeaderTableSize)
        table = HTTP2StreamTable(seed: seed)
        closed = HTTP2ClosedStreams(capacity: configuration.closedStreamMemory)
        abuse = HTTP2AbuseGuard(limits: configuration.floodLimits, now: now)
        connectionReceive = HTTP2ReceiveWindow(limit: configuration.connectionReceiveWindow)
        streamReceiveWindow = max(configuration.streamReceiveWindow, HTTP2Constant.defaultWindow)
        applyEncoderTableSize()
        output.appendSettings(configuration.announcement())
        let more = configuration.connectionReceiveWindow - HTTP2Constant.defaultWindow
        if more > 0 { output.appendWindowUpdate(0, increment: more) }
    }

    /// Open streams, including those whose response is complete while their request goes on.
    public var streamCount: Int { table.count }

    /// What may still be sent on the connection, in bytes.
    public var connectionWindow: Int { connectionSendWindow }

    /// Whether the connection has failed (``HTTP2Event/connectionError(_:reason:)``).
    public var isFailed: Bool {
        if case .failed = phase { true } else { false }
    }

    /// Whether a field block has begun and not ended; a driver's timer may look at it.
    public var isReceivingHeaderBlock: Bool { headerBlock != nil }

    /// The identifier that the stream has on the wire, for logs; `nil` once it is over.
    public func streamID(of slot: StreamSlot) -> UInt32? {
        table.isCurrent(slot) ? table[slot.index].id : nil
    }

    /// What the peer lets us send on this stream, in bytes; negative after it lowered its settings.
    public func streamWindow(of slot: StreamSlot) -> Int {
        table.isCurrent(slot) ? Int(table[slot.index].sendWindow) : 0
    }

    /// How often and how long the stream had no window, a stall that goes on included.
    public func stalls(of slot: StreamSlot) -> HTTP2Stall {
        table.isCurrent(slot) ? stalls(at: slot.index) : HTTP2Stall()
    }

    func stalls(at position: Int32) -> HTTP2Stall {
        let stream = table[position]
        var stall = HTTP2Stall()
        stall.count = stream.stallCount
        stall.nanoseconds = stream.stallNanoseconds
        if stream.state.contains(.stalled) { stall.nanoseconds += now - stream.since }
        return stall
    }

    /// Tells the time before a tick's writes; stalls begin and end at this time.
    public mutating func advance(to now: Int64) {
        self.now = max(self.now, now)
    }
}

/// How far the connection has come.
enum HTTP2SessionPhase {
    /// Waiting for the 24 octets of section 3.4, of which some are there.
    case preface(matched: Int)
    /// Section 3.4: the first frame must be SETTINGS.
    case firstSettings
    case open
    /// GOAWAY with an error is in the output; `reported` once the caller knows.
    case failed(HTTP2ErrorCode, StaticString, reported: Bool)
}

/// What we have announced of our going.
enum HTTP2GoAwayState {
    case none
    /// GOAWAY(2^31-1): the peer should stop opening streams, those on their way are served (section 6.8).
    case graceful
    /// Streams above the identifier are ignored.
    case final(UInt32)
}
