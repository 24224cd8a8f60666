// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

/// One HTTP/2 connection as its client sees it (RFC 9113): the mirror of ``HTTP2ServerSession``.
///
/// A pure state machine without I/O: its driver gives it what was read, pulls events until there is none, and writes
/// the output. It shares frames, windows, tables and output with the server's session, and no state. NIOHTTP2 would
/// have done, at more than ten times the cost of each event, which a load generator cannot afford
/// (docs/performance.md).
///
/// Bounded: field blocks by `headBytes`, bodies by the streams' windows, what we owe the server by `controlBytes`,
/// streams by the server's settings.
struct HTTP2ClientSession: ~Copyable {
    let limits: HTTPClientLimits
    var phase = Phase.firstSettings
    var input = ByteBuffer()
    /// What came behind a frame that `input` holds the beginning of.
    var following = ByteBuffer()
    var headerBlock: HTTP2HeaderBlock?
    var decoder: HPACKDecoder
    var encoder: HPACKEncoder
    /// Where the encoder writes; its content is never kept.
    var encoded = ByteBuffer()
    var output = HTTP2Output()
    /// Taken by the driver and not yet flushed.
    var outputInFlight = 0

    var peer = HTTP2PeerSettings()
    /// SETTINGS_MAX_CONCURRENT_STREAMS; without it there is no limit (section 6.5.2).
    var maxConcurrentStreams = Int.max
    var table: HTTP2StreamTable
    var nextStreamID: UInt32 = 1
    var connectionReceive: HTTP2ReceiveWindow
    var connectionSendWindow = HTTP2Constant.defaultWindow
    var goAway: HTTP2GoAwayEvidence?
    /// A field block was over `headBytes`: the reason of the connection error that follows.
    var exceededHeadLimit = false
    /// What one frame means beyond its first event, such as all streams that a GOAWAY ends; told before the next frame.
    var pendingEvents: [HTTP2ClientEvent] = []

    enum Phase: Equatable {
        /// Section 3.4: the server's preface is a SETTINGS frame.
        case firstSettings
        case open
        /// A connection error: GOAWAY is in the output.
        case failed
        case closed
    }

    /// Our preface is in the output at once.
    init(limits: HTTPClientLimits, seed: UInt64 = .random(in: .min ... .max)) {
        var limits = limits
        limits.streamWindow = min(max(limits.streamWindow, HTTP2Constant.defaultWindow), HTTP2Constant.maximumWindow)
        limits.connectionWindow = min(
            max(limits.connectionWindow, HTTP2Constant.defaultWindow), HTTP2Constant.maximumWindow)
        limits.headBytes = min(max(limits.headBytes, 1_024), 1 << 24)
        self.limits = limits
        decoder = HPACKDecoder(
            allocator: ByteBufferAllocator(),
            maxDynamicTableSize: HTTP2Constant.defaultHeaderTableSize,
            maxHeaderListSize: limits.headBytes
        )
        encoder = HPACKEncoder(
            allocator: ByteBufferAllocator(),
            maxDynamicTableSize: HTTP2Constant.defaultHeaderTableSize
        )
        table = HTTP2StreamTable(seed: seed)
        connectionReceive = HTTP2ReceiveWindow(limit: limits.connectionWindow)
        output.append(preface: HTTP2Constant.preface)
        output.appendSettings([
            (.enablePush, 0),
            (.initialWindowSize, UInt32(limits.streamWindow)),
            (.maxHeaderListSize, UInt32(limits.headBytes)),
        ])
        let more = limits.connectionWindow - HTTP2Constant.defaultWindow
        if more > 0 { output.appendWindowUpdate(0, increment: more) }
    }

    var streamCount: Int { table.count }

    /// Whether the server's SETTINGS have come and nothing has ended the connection.
    var isOpen: Bool { phase == .open }

    /// Whether another stream could be opened now.
    var opensStreams: Bool {
        isOpen && goAway == nil && table.count < maxConcurrentStreams && nextStreamID < HTTP2Constant.maximumStreamID
    }

    /// The connection has said all it will say.
    var isOver: Bool {
        switch phase {
        case .failed, .closed: true
        case .firstSettings, .open: goAway != nil && table.count == 0
        }
    }

    func streamID(of slot: StreamSlot) -> UInt32? {
        table.isCurrent(slot) ? table[slot.index].id : nil
    }

    /// Bytes that wait to be written or that the driver has taken and not flushed.
    var pendingOutputBytes: Int { output.count + outputInFlight }

    /// Copies the output out; it counts until ``outputFlushed(_:)``.
    mutating func takeOutput() -> ByteBuffer {
        let taken = ByteBuffer(bytes: output.bytes)
        outputInFlight += output.count
        output.consume(output.count)
        output.releaseIfEmpty()
        return taken
    }

    mutating func outputFlushed(_ count: Int) {
        outputInFlight = max(0, outputInFlight - count)
    }
}

/// What the session tells its driver.
enum HTTP2ClientEvent {
    /// The server's first SETTINGS: requests may start.
    case opened
    case informational(StreamSlot, status: Int, HPACKHeaders)
    case head(StreamSlot, status: Int, HPACKHeaders)
    case data(StreamSlot, ByteBuffer)
    /// The response is whole; the slot is invalid from now on.
    case complete(StreamSlot, trailers: HPACKHeaders)
    /// The stream failed; the slot is invalid from now on.
    case failed(StreamSlot, HTTPClientError)
    case goAway(HTTP2GoAwayEvidence)
    /// GOAWAY of ours is in the output: write it, then close. All streams are over, no event follows.
    case connectionError(HTTP2ErrorCode, reason: String)
}

extension HTTP2StreamState {
    /// We have sent END_STREAM: half-closed (local).
    static let requestComplete = HTTP2StreamState(rawValue: 256)
    /// The final head has arrived.
    static let headReceived = HTTP2StreamState(rawValue: 512)
    /// No body can follow: the request was HEAD.
    static let bodiless = HTTP2StreamState(rawValue: 1_024)
    /// Bytes are given back when they arrive.
    static let consumesAtOnce = HTTP2StreamState(rawValue: 2_048)
}

extension HTTP2Stream {
    /// Responses of 1xx so far. It lives where a server counts stalls: the record is a cache line, and clients do not
    /// stall.
    var informationalCount: Int {
        get { Int(stallCount) }
        set { stallCount = UInt32(clamping: newValue) }
    }

    /// The caller's name for the stream, where a server notes when it was opened.
    var token: UInt32 {
        get { openedAt }
        set { openedAt = newValue }
    }
}

extension HTTP2Output {
    mutating func append(preface: StaticString) {
        for octet in UnsafeBufferPointer(start: preface.utf8Start, count: preface.utf8CodeUnitCount) { append(octet) }
    }
}
