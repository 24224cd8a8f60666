// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// The identifier of one setting (RFC 9113 section 6.5.2). Unknown ones must be ignored, hence a struct.
struct HTTP2SettingID: RawRepresentable, Equatable {
    let rawValue: UInt16

    static let headerTableSize = HTTP2SettingID(rawValue: 0x1)
    static let enablePush = HTTP2SettingID(rawValue: 0x2)
    static let maxConcurrentStreams = HTTP2SettingID(rawValue: 0x3)
    static let initialWindowSize = HTTP2SettingID(rawValue: 0x4)
    static let maxFrameSize = HTTP2SettingID(rawValue: 0x5)
    static let maxHeaderListSize = HTTP2SettingID(rawValue: 0x6)
    /// RFC 9218 section 2.1: we do not use the priorities of RFC 7540, and say so.
    static let noRFC7540Priorities = HTTP2SettingID(rawValue: 0x9)
}

/// What the peer announced, as far as it concerns a server that does not push.
struct HTTP2PeerSettings: Equatable {
    var headerTableSize = HTTP2Constant.defaultHeaderTableSize
    var initialWindow = HTTP2Constant.defaultWindow
    var maxFrameSize = HTTP2Constant.minimumMaxFrameSize
    /// Advisory (section 10.5.1); kept for the debug tables.
    var maxHeaderListSize: UInt32?

    /// Applies one parameter after checking its value (section 6.5.2).
    mutating func apply(_ identifier: HTTP2SettingID, _ value: UInt32) throws(HTTP2Fault) {
        switch identifier {
        case .headerTableSize:
            headerTableSize = Int(value)
        case .enablePush:
            guard value <= 1 else { throw .connection(.protocolError, "SETTINGS_ENABLE_PUSH must be 0 or 1") }
        case .initialWindowSize:
            guard value <= HTTP2Constant.maximumWindow else {
                throw .connection(.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1")
            }
            initialWindow = Int(value)
        case .maxFrameSize:
            guard value >= HTTP2Constant.minimumMaxFrameSize, value <= HTTP2Constant.maximumMaxFrameSize else {
                throw .connection(.protocolError, "SETTINGS_MAX_FRAME_SIZE outside 2^14 to 2^24-1")
            }
            maxFrameSize = Int(value)
        case .maxHeaderListSize:
            maxHeaderListSize = value
        case .noRFC7540Priorities:
            // RFC 9218 section 2.1: a value other than 0 or 1 is a connection error.
            guard value <= 1 else { throw .connection(.protocolError, "SETTINGS_NO_RFC7540_PRIORITIES must be 0 or 1") }
        default:
            // MAX_CONCURRENT_STREAMS limits pushes, which we never send. Unknown settings MUST be ignored.
            break
        }
    }
}

/// The limits of one HTTP/2 connection. Every field is a bound; the defaults suit an origin of event streams.
public struct HTTP2SessionConfiguration: Sendable {
    /// SETTINGS_MAX_CONCURRENT_STREAMS. A stream above it gets REFUSED_STREAM, which clients may retry at once.
    public var maxConcurrentStreams = 10_000
    /// SETTINGS_INITIAL_WINDOW_SIZE, in bytes: how much of one request body may be on its way or unconsumed.
    public var streamReceiveWindow = 262_144
    /// The same for the whole connection, in bytes: the most that all request bodies together can make us hold.
    public var connectionReceiveWindow = 1_048_576
    /// SETTINGS_MAX_FRAME_SIZE, in bytes, 2^14 to 2^24-1.
    public var maxFrameSize = 16_384
    /// SETTINGS_MAX_HEADER_LIST_SIZE, in bytes as section 6.5.2 counts them. A larger request is answered with 431.
    public var maxHeaderListSize = 16_384
    /// A field block that is larger than this, encoded or decoded, ends the connection: a header bomb.
    public var maxHeaderBlockBytes = 65_536
    /// CONTINUATION frames per field block; a flood of empty ones would otherwise cost no bytes of the block.
    public var maxContinuationFrames = 16
    /// SETTINGS_HEADER_TABLE_SIZE, in bytes: memory of the HPACK decoder.
    public var headerTableSize = 4_096
    /// The most that we use of the peer's HPACK table, in bytes, however large it is: memory of the HPACK encoder.
    public var encoderTableSize = 4_096
    /// DATA bytes that may wait for the socket, frame headers included. Over it ``AppendOutcome/bufferFull``.
    public var maxBufferedBytes = 262_144
    /// What HEADERS, RST_STREAM, PING, SETTINGS and WINDOW_UPDATE may add on top, in bytes. At half of it no further
    /// frames are read; over it the connection ends, since its peer asks and does not read.
    public var maxControlBytes = 524_288
    /// Streams that we remember after their end, to tell late frames from violations (section 5.1, "closed").
    public var closedStreamMemory = 1_024
    /// How much of a request body is read and dropped after its response is complete, before we send
    /// RST_STREAM(NO_ERROR). Some clients forget the response when the reset comes while they still send.
    public var maxDiscardedBytes = 1_048_576
    /// How long a request body may go on after its response is complete, likewise.
    public var lingerNanoseconds: Int64 = 5_000_000_000
    /// How long the peer may take to acknowledge our SETTINGS (section 6.5.3).
    public var settingsTimeoutNanoseconds: Int64 = 30_000_000_000
    /// The rates above which a peer is told to calm down.
    public var floodLimits = HTTP2FloodLimits()

    public init() {}

    /// Brings values that the protocol does not allow into its range.
    func clamped() -> HTTP2SessionConfiguration {
        var result = self
        result.maxConcurrentStreams = min(max(maxConcurrentStreams, 1), Int(Int32.max))
        result.streamReceiveWindow = min(max(streamReceiveWindow, 1), HTTP2Constant.maximumWindow)
        result.connectionReceiveWindow = min(
            max(connectionReceiveWindow, HTTP2Constant.defaultWindow), HTTP2Constant.maximumWindow)
        result.maxFrameSize = min(
            max(maxFrameSize, HTTP2Constant.minimumMaxFrameSize), HTTP2Constant.maximumMaxFrameSize)
        result.maxHeaderListSize = max(maxHeaderListSize, 1)
        result.maxHeaderBlockBytes = max(maxHeaderBlockBytes, result.maxHeaderListSize)
        result.maxContinuationFrames = max(maxContinuationFrames, 1)
        result.headerTableSize = min(max(headerTableSize, 0), 1 << 20)
        result.encoderTableSize = min(max(encoderTableSize, 0), 1 << 20)
        result.maxBufferedBytes = max(maxBufferedBytes, 1_024)
        result.maxControlBytes = max(maxControlBytes, 4_096)
        result.maxDiscardedBytes = max(maxDiscardedBytes, 0)
        result.closedStreamMemory = max(closedStreamMemory, 1)
        return result
    }

    /// What our preface announces; values that equal the initial ones of section 6.5.2 are left out.
    func announcement() -> [(HTTP2SettingID, UInt32)] {
        var settings: [(HTTP2SettingID, UInt32)] = [
            (.maxConcurrentStreams, UInt32(maxConcurrentStreams)),
            (.maxHeaderListSize, UInt32(clamping: maxHeaderListSize)),
            (.noRFC7540Priorities, 1),
        ]
        if streamReceiveWindow != HTTP2Constant.defaultWindow {
            settings.append((.initialWindowSize, UInt32(streamReceiveWindow)))
        }
        if maxFrameSize != HTTP2Constant.minimumMaxFrameSize {
            settings.append((.maxFrameSize, UInt32(maxFrameSize)))
        }
        if headerTableSize != HTTP2Constant.defaultHeaderTableSize {
            settings.append((.headerTableSize, UInt32(headerTableSize)))
        }
        return settings
    }
}
