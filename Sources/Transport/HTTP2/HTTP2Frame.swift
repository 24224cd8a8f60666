// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// The fixed nine octets in front of every frame (RFC 9113 section 4.1), and the vocabulary of section 6.
///
/// Payloads have no types of their own: the session reads them in place from its input and writes them straight into
/// its output, so that a frame costs no allocation.
struct HTTP2FrameHeader: Equatable {
    static let byteCount = 9

    var length: Int
    var type: HTTP2FrameType
    var flags: HTTP2Flags
    /// With the reserved bit cleared (section 4.1: it MUST be ignored when receiving).
    var streamID: UInt32

    /// Reads the header at `index`.
    ///
    /// - Returns: `nil` when fewer than nine octets are there.
    init?(_ buffer: ByteBuffer, at index: Int) {
        guard
            let word: UInt64 = buffer.getInteger(at: index),
            let last: UInt8 = buffer.getInteger(at: index + 8)
        else { return nil }
        self.length = Int(truncatingIfNeeded: word >> 40)
        self.type = HTTP2FrameType(rawValue: UInt8(truncatingIfNeeded: word >> 32))
        self.flags = HTTP2Flags(rawValue: UInt8(truncatingIfNeeded: word >> 24))
        self.streamID = (UInt32(truncatingIfNeeded: word & 0x7f_ffff) << 8) | UInt32(last)
    }
}

/// A frame type. A struct, because unknown types must be ignored and discarded (section 4.1), not rejected.
struct HTTP2FrameType: RawRepresentable, Equatable {
    let rawValue: UInt8

    static let data = HTTP2FrameType(rawValue: 0x0)
    static let headers = HTTP2FrameType(rawValue: 0x1)
    static let priority = HTTP2FrameType(rawValue: 0x2)
    static let rstStream = HTTP2FrameType(rawValue: 0x3)
    static let settings = HTTP2FrameType(rawValue: 0x4)
    static let pushPromise = HTTP2FrameType(rawValue: 0x5)
    static let ping = HTTP2FrameType(rawValue: 0x6)
    static let goAway = HTTP2FrameType(rawValue: 0x7)
    static let windowUpdate = HTTP2FrameType(rawValue: 0x8)
    static let continuation = HTTP2FrameType(rawValue: 0x9)
}

/// The flags of all frame types; two share bit 0.
struct HTTP2Flags: OptionSet {
    let rawValue: UInt8

    static let endStream = HTTP2Flags(rawValue: 0x1)
    static let ack = HTTP2Flags(rawValue: 0x1)
    static let endHeaders = HTTP2Flags(rawValue: 0x4)
    static let padded = HTTP2Flags(rawValue: 0x8)
    static let priority = HTTP2Flags(rawValue: 0x20)
}

/// Numbers that RFC 9113 fixes.
enum HTTP2Constant {
    /// Section 3.4: what a client sends first.
    static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    /// Section 6.9.2: both windows start here, whatever the settings say later.
    static let defaultWindow = 65_535
    /// Section 6.9.1: a window above this is a FLOW_CONTROL_ERROR.
    static let maximumWindow = 0x7fff_ffff
    /// Section 4.2: the smallest and the largest SETTINGS_MAX_FRAME_SIZE.
    static let minimumMaxFrameSize = 16_384
    static let maximumMaxFrameSize = 16_777_215
    /// Section 6.5.2: the HPACK table before any SETTINGS.
    static let defaultHeaderTableSize = 4_096
    /// Section 5.1.1: the largest stream identifier, announced by the first GOAWAY of a graceful shutdown.
    static let maximumStreamID: UInt32 = 0x7fff_ffff
}
