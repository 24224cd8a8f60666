// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// Frames into the output buffer. Only the frame types that a server sends are here.

extension ByteBuffer {
    /// Writes nine octets of frame header in one go.
    @inline(__always)
    mutating func writeFrameHeader(length: Int, type: HTTP2FrameType, flags: HTTP2Flags, streamID: UInt32) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: HTTP2FrameHeader.byteCount) { target in
            target.storeFrameHeader(length: length, type: type, flags: flags, streamID: streamID)
            return HTTP2FrameHeader.byteCount
        }
    }

    /// Overwrites the nine octets at `index`, which must have been written before.
    mutating func setFrameHeader(at index: Int, length: Int, type: HTTP2FrameType, flags: HTTP2Flags, streamID: UInt32)
    {
        setInteger(UInt32(truncatingIfNeeded: length) << 8 | UInt32(type.rawValue), at: index)
        setInteger(flags.rawValue, at: index + 4)
        setInteger(streamID, at: index + 5)
    }

    /// Writes one DATA frame: one reservation and one copy.
    @inline(__always)
    mutating func writeDataFrame(_ payload: UnsafeRawBufferPointer, flags: HTTP2Flags, streamID: UInt32) {
        let count = payload.count
        writeWithUnsafeMutableBytes(minimumWritableBytes: HTTP2FrameHeader.byteCount + count) { target in
            target.storeFrameHeader(length: count, type: .data, flags: flags, streamID: streamID)
            if let source = payload.baseAddress, let base = target.baseAddress {
                (base + HTTP2FrameHeader.byteCount).copyMemory(from: source, byteCount: count)
            }
            return HTTP2FrameHeader.byteCount + count
        }
    }

    /// Section 6.4.
    mutating func writeRSTStream(_ streamID: UInt32, _ code: HTTP2ErrorCode) {
        writeFrameHeader(length: 4, type: .rstStream, flags: [], streamID: streamID)
        writeInteger(code.rawValue)
    }

    /// Section 6.7.
    mutating func writePing(_ opaque: UInt64, ack: Bool) {
        writeFrameHeader(length: 8, type: .ping, flags: ack ? .ack : [], streamID: 0)
        writeInteger(opaque)
    }

    /// Section 6.8. The debug data is cut at 256 octets: it is for humans and for logs.
    mutating func writeGoAway(lastStreamID: UInt32, _ code: HTTP2ErrorCode, debug: String) {
        let text = debug.utf8.prefix(256)
        writeFrameHeader(length: 8 + text.count, type: .goAway, flags: [], streamID: 0)
        writeInteger(lastStreamID)
        writeInteger(code.rawValue)
        writeBytes(text)
    }

    /// Section 6.9.
    mutating func writeWindowUpdate(_ streamID: UInt32, increment: Int) {
        writeFrameHeader(length: 4, type: .windowUpdate, flags: [], streamID: streamID)
        writeInteger(UInt32(truncatingIfNeeded: increment))
    }

    /// Section 6.5. An empty list is legal and means that all values are the initial ones.
    mutating func writeSettings(_ settings: [(HTTP2SettingID, UInt32)]) {
        writeFrameHeader(length: settings.count * 6, type: .settings, flags: [], streamID: 0)
        for (identifier, value) in settings {
            writeInteger(identifier.rawValue)
            writeInteger(value)
        }
    }

    /// Section 6.5.3.
    mutating func writeSettingsAck() {
        writeFrameHeader(length: 0, type: .settings, flags: .ack, streamID: 0)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Length, type, flags and the upper 24 bits of the stream identifier are one 64-bit store, the rest is one octet.
    @inline(__always)
    func storeFrameHeader(length: Int, type: HTTP2FrameType, flags: HTTP2Flags, streamID: UInt32) {
        let word =
            UInt64(truncatingIfNeeded: length) << 40 | UInt64(type.rawValue) << 32 | UInt64(flags.rawValue) << 24
            | UInt64(streamID >> 8)
        storeBytes(of: word.bigEndian, as: UInt64.self)
        storeBytes(of: UInt8(truncatingIfNeeded: streamID), toByteOffset: 8, as: UInt8.self)
    }
}
