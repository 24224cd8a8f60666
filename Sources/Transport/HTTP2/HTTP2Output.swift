// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The bytes that wait for the socket: one growing block of raw memory, written at its end and read from its start.
///
/// Not a `ByteBuffer`: its reference count, its copy-on-write check and its exclusivity check cost as much per DATA
/// frame as the copy of the payload. Bounds are the session's business; this only grows.
struct HTTP2Output: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var reader = 0
    private var writer = 0

    deinit {
        base?.deallocate()
    }

    /// Bytes that wait.
    var count: Int {
        @inline(__always) get { writer - reader }
    }

    /// What waits, valid until the next mutation.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0) + reader }, count: count)
    }

    /// Takes bytes off the start.
    mutating func consume(_ count: Int) {
        reader += min(max(count, 0), self.count)
        if reader == writer {
            reader = 0
            writer = 0
        }
    }

    /// Frees the memory, if nothing waits.
    mutating func releaseIfEmpty() {
        guard count == 0 else { return }
        base?.deallocate()
        base = nil
        capacity = 0
    }

    /// Writes nine octets of header and the payload: one reservation, two stores and a copy.
    @inline(__always)
    mutating func append(
        _ type: HTTP2FrameType, _ flags: HTTP2Flags, _ streamID: UInt32, payload: UnsafeRawBufferPointer
    ) {
        let target = extend(by: HTTP2FrameHeader.byteCount + payload.count)
        store(header: payload.count, type, flags, streamID, at: target)
        if let source = payload.baseAddress {
            (target + HTTP2FrameHeader.byteCount).copyMemory(from: source, byteCount: payload.count)
        }
    }

    /// Writes a header for a payload that follows by ``append(_:)``.
    mutating func appendHeader(length: Int, _ type: HTTP2FrameType, _ flags: HTTP2Flags, _ streamID: UInt32) {
        store(header: length, type, flags, streamID, at: extend(by: HTTP2FrameHeader.byteCount))
    }

    /// Writes an integer in network byte order.
    mutating func append(_ value: some FixedWidthInteger) {
        extend(by: value.bitWidth / 8).storeBytes(of: value.bigEndian, as: type(of: value))
    }

    /// Length, type, flags and the upper 24 bits of the stream identifier are one 64-bit store, the rest is one octet.
    @inline(__always)
    private func store(
        header length: Int, _ type: HTTP2FrameType, _ flags: HTTP2Flags, _ streamID: UInt32,
        at target: UnsafeMutableRawPointer
    ) {
        let word =
            UInt64(truncatingIfNeeded: length) << 40 | UInt64(type.rawValue) << 32 | UInt64(flags.rawValue) << 24
            | UInt64(streamID >> 8)
        target.storeBytes(of: word.bigEndian, as: UInt64.self)
        target.storeBytes(of: UInt8(truncatingIfNeeded: streamID), toByteOffset: 8, as: UInt8.self)
    }

    /// Makes room at the end, which the caller then fills.
    @inline(__always)
    private mutating func extend(by count: Int) -> UnsafeMutableRawPointer {
        if let base, writer + count <= capacity {
            defer { writer += count }
            return base + writer
        }
        return grow(by: count)
    }

    /// Moves what waits to the start, into a larger block unless half of this one would do.
    @inline(never)
    private mutating func grow(by count: Int) -> UnsafeMutableRawPointer {
        let waiting = self.count
        var wanted = max(capacity, 4_096)
        while (waiting + count) * 2 > wanted { wanted *= 2 }
        let target = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        if let base {
            target.copyMemory(from: base + reader, byteCount: waiting)
            base.deallocate()
        }
        base = target
        capacity = wanted
        reader = 0
        writer = waiting + count
        return target + waiting
    }
}

// The control frames that a server sends.

extension HTTP2Output {
    /// RFC 9113 section 6.4.
    mutating func appendReset(_ streamID: UInt32, _ code: HTTP2ErrorCode) {
        appendHeader(length: 4, .rstStream, [], streamID)
        append(code.rawValue)
    }

    /// Section 6.7.
    mutating func appendPing(_ opaque: UInt64, ack: Bool) {
        appendHeader(length: 8, .ping, ack ? .ack : [], 0)
        append(opaque)
    }

    /// Section 6.8. The debug data is cut at 256 octets: it is for humans and for logs.
    mutating func appendGoAway(lastStreamID: UInt32, _ code: HTTP2ErrorCode, debug: String) {
        let text = debug.utf8.prefix(256)
        appendHeader(length: 8 + text.count, .goAway, [], 0)
        append(lastStreamID)
        append(code.rawValue)
        for octet in text { append(octet) }
    }

    /// Section 6.9.
    mutating func appendWindowUpdate(_ streamID: UInt32, increment: Int) {
        appendHeader(length: 4, .windowUpdate, [], streamID)
        append(UInt32(truncatingIfNeeded: increment))
    }

    /// Section 6.5.
    mutating func appendSettings(_ settings: [(HTTP2SettingID, UInt32)]) {
        appendHeader(length: settings.count * 6, .settings, [], 0)
        for (identifier, value) in settings {
            append(identifier.rawValue)
            append(value)
        }
    }

    /// Section 6.5.3.
    mutating func appendSettingsAck() {
        appendHeader(length: 0, .settings, .ack, 0)
    }
}
