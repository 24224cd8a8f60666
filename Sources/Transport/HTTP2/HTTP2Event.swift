// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

/// Names one stream to its caller: a dense index, good for an array of the caller's own, and a generation that makes
/// a slot of an ended stream invalid for ever.
public struct StreamSlot: Hashable, Sendable {
    /// Small and reused: at most the peak number of concurrent streams.
    public let index: Int32
    let generation: UInt32
}

/// A request whose header section is complete and valid (RFC 9113 section 8.3.1).
public struct HTTP2Request: Sendable {
    /// `:method`.
    public var method: String
    /// `:scheme`; empty for CONNECT.
    public var scheme: String
    /// `:authority`, else the Host field, else empty.
    public var authority: String
    /// `:path`, never empty but for CONNECT.
    public var path: String
    /// All fields in their order, pseudo-header fields included, cookies joined into one (section 8.2.3).
    public var headers: HPACKHeaders
    /// The value of `content-length`; DATA frames that do not add up to it end the stream.
    public var contentLength: Int64?
}

/// Why a stream ended before its exchange was complete.
public enum HTTP2StreamEnd: Equatable, Sendable {
    /// The peer sent RST_STREAM with this code. Intermediaries rewrite codes: evidence, not a verdict.
    case resetByPeer(HTTP2ErrorCode)
    /// The peer violated the protocol on this stream, and we sent RST_STREAM with this code.
    case violation(HTTP2ErrorCode)
}

/// What the session tells its caller, one at a time (``HTTP2ServerSession/nextEvent()``).
public enum HTTP2Event: Sendable {
    /// A new stream. With `endStream` there is no body.
    case request(StreamSlot, HTTP2Request, endStream: Bool)
    /// A piece of request body; give its bytes back with ``HTTP2ServerSession/consumed(_:_:)``.
    case data(StreamSlot, ByteBuffer, endStream: Bool)
    /// Trailer fields; they also end the request.
    case trailers(StreamSlot, HPACKHeaders)
    /// The stream is over and its slot is invalid from now on. Carries how long it had no window.
    case streamEnded(StreamSlot, HTTP2StreamEnd, HTTP2Stall)
    /// The peer answered the PING of that payload.
    case pingAcknowledged(UInt64)
    /// The peer will open no further streams; open ones go on. Debug data is cut at 256 octets and made printable.
    case goAwayReceived(HTTP2ErrorCode, debug: String, lastStreamID: UInt32)
    /// The connection is over: GOAWAY is in the output; write it, then close. All slots are dead, no event follows.
    case connectionError(HTTP2ErrorCode, reason: String)
}

/// What became of ``HTTP2ServerSession/appendData(_:_:endStream:)``.
public enum AppendOutcome: Equatable, Sendable {
    /// All bytes are in the output.
    case accepted
    /// That many bytes, at least one, are in the output; the rest waits as for the three cases below.
    case partial(Int)
    /// Nothing taken: the peer has not opened the window of this stream. It comes back by ``nextWritable()``.
    case noStreamWindow
    /// Nothing taken: the window of the connection is used up. The stream is queued.
    case noConnectionWindow
    /// Nothing taken: the output is full, or others have been waiting for longer. The stream is queued.
    case bufferFull
    /// The stream or the connection is over, or no response header section was sent yet.
    case closed
}

/// Running totals of one connection, for its row in the debug table and for metrics.
public struct HTTP2SessionCounters: Equatable, Sendable {
    /// Requests handed to the caller.
    public var requests: UInt64 = 0
    /// Streams open at once, at most.
    public var peakStreams = 0
    /// Streams refused over the limit of concurrent streams.
    public var refusedStreams: UInt64 = 0
    /// RST_STREAM frames from the peer.
    public var resetsReceived: UInt64 = 0
    /// RST_STREAM frames that the peer provoked by a violation.
    public var resetsProvoked: UInt64 = 0
    /// DATA frames sent.
    public var dataFrames: UInt64 = 0
    /// How often a stream had to wait for the output buffer.
    public var bufferWaits: UInt64 = 0
    /// Time without window, over all streams.
    public var streamStalls = HTTP2Stall()
    /// Time without window of the connection.
    public var connectionStalls = HTTP2Stall()
}
