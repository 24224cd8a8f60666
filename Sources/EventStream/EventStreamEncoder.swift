// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Writes an event stream (HTML, section 9.2.5, https://html.spec.whatwg.org/multipage/server-sent-events.html).
///
/// Everything appends to a buffer of the caller's and allocates nothing else. A call that throws has written nothing.
/// Lines end in LF, and a value always follows colon and space: the one space that receivers strip is then never one
/// of the value's own. Data is written byte for byte except for its line breaks: CR, LF and CRLF each end a `data`
/// line, and receivers see LF. It is not checked to be UTF-8; receivers replace what is not.
public enum EventStreamEncoder {
    /// Appends `event` as one complete block. Its `lastEventID` is not written.
    public static func encode(_ event: ServerSentEvent, into buffer: inout ByteBuffer) throws(EventStreamError) {
        try encode(data: event.data, type: event.type, id: event.id, retry: event.retry, into: &buffer)
    }

    /// Appends one complete event, which the receiver dispatches even if `data` is empty.
    ///
    /// - Parameters:
    ///   - data: Any text; its line breaks arrive as LF.
    ///   - type: The event type, without CR and LF; `nil` and the empty string write no `event` field.
    ///   - id: The event id, without CR, LF and NUL; the empty string clears the receiver's last event ID.
    ///   - retry: The reconnection time in milliseconds, 0 to ``ServerSentEvent/maximumRetry``.
    ///   - buffer: Where the block is appended.
    public static func encode(
        data: String,
        type: String? = nil,
        id: String? = nil,
        retry: Int? = nil,
        into buffer: inout ByteBuffer
    ) throws(EventStreamError) {
        try validate(type: type, id: id, retry: retry)
        data.withBytes { writeEvent(data: $0, type: type, id: id, retry: retry, into: &buffer) }
    }

    /// Appends one complete event, as with text; `data` should be UTF-8.
    public static func encode(
        data: ByteBufferView,
        type: String? = nil,
        id: String? = nil,
        retry: Int? = nil,
        into buffer: inout ByteBuffer
    ) throws(EventStreamError) {
        try validate(type: type, id: id, retry: retry)
        data.withUnsafeBytes { writeEvent(data: $0, type: type, id: id, retry: retry, into: &buffer) }
    }

    /// Appends one complete event, as with text; `data` should be UTF-8.
    public static func encode(
        data: [UInt8],
        type: String? = nil,
        id: String? = nil,
        retry: Int? = nil,
        into buffer: inout ByteBuffer
    ) throws(EventStreamError) {
        try validate(type: type, id: id, retry: retry)
        data.withUnsafeBytes { writeEvent(data: $0, type: type, id: id, retry: retry, into: &buffer) }
    }

    /// Appends a complete block without data: the receiver takes over the id, the reconnection time or both, and
    /// dispatches nothing. With neither, nothing is written.
    public static func encodeUpdate(
        id: String? = nil,
        retry: Int? = nil,
        into buffer: inout ByteBuffer
    ) throws(EventStreamError) {
        try validate(type: nil, id: id, retry: retry)
        if id == nil && retry == nil { return }
        writeFields(type: nil, id: id, retry: retry, into: &buffer)
        buffer.writeInteger(UInt8.lineFeed)
    }

    /// Appends `text` as comment lines, one for each of its lines; the empty string gives the shortest heartbeat, `:`.
    /// No blank line follows, so that a comment may stand before an event as well as inside its block.
    public static func encodeComment(_ text: String, into buffer: inout ByteBuffer) {
        if text.isEmpty {
            buffer.writeStaticString(":\n")
        } else {
            text.withBytes { writeLines($0, prefix: ": ", into: &buffer) }
        }
    }

    // MARK: - Writing

    private static func writeEvent(
        data: UnsafeRawBufferPointer,
        type: String?,
        id: String?,
        retry: Int?,
        into buffer: inout ByteBuffer
    ) {
        writeFields(type: type, id: id, retry: retry, into: &buffer)
        writeLines(data, prefix: "data: ", into: &buffer)
        buffer.writeInteger(UInt8.lineFeed)
    }

    private static func writeFields(type: String?, id: String?, retry: Int?, into buffer: inout ByteBuffer) {
        if let id {
            buffer.writeStaticString("id: ")
            buffer.writeString(id)
            buffer.writeInteger(UInt8.lineFeed)
        }
        if let type, !type.isEmpty {
            buffer.writeStaticString("event: ")
            buffer.writeString(type)
            buffer.writeInteger(UInt8.lineFeed)
        }
        if let retry {
            buffer.writeStaticString("retry: ")
            buffer.writeString(String(retry))
            buffer.writeInteger(UInt8.lineFeed)
        }
    }

    /// Writes one line per line of `bytes`. The text after the last line break is a line too, empty or not: otherwise a
    /// line break at the end of the data would be lost.
    private static func writeLines(
        _ bytes: UnsafeRawBufferPointer,
        prefix: StaticString,
        into buffer: inout ByteBuffer
    ) {
        // Right for a single line and the blank line after it; more lines grow the buffer by its own doubling.
        buffer.reserveCapacity(minimumWritableBytes: prefix.utf8CodeUnitCount + bytes.count + 2)
        var scanner = LineBreakScanner(bytes)
        var start = 0
        while true {
            let end = scanner.lineBreak(from: start)
            buffer.writeStaticString(prefix)
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            buffer.writeInteger(UInt8.lineFeed)
            if end == bytes.count { return }
            start = end + 1
            if bytes[end] == .carriageReturn && start < bytes.count && bytes[start] == .lineFeed { start += 1 }
        }
    }

    // MARK: - Validation

    private static func validate(type: String?, id: String?, retry: Int?) throws(EventStreamError) {
        if let type, type.withBytes({ $0.contains(where: \.isLineBreak) }) { throw .lineBreakInType }
        if let id {
            if id.withBytes({ $0.contains(where: \.isLineBreak) }) { throw .lineBreakInID }
            if id.withBytes({ $0.contains(.null) }) { throw .nullInID }
        }
        if let retry, !(0...ServerSentEvent.maximumRetry).contains(retry) { throw .retryOutOfRange(retry) }
    }
}

extension UInt8 {
    fileprivate var isLineBreak: Bool { self == .lineFeed || self == .carriageReturn }
}

extension String {
    /// The UTF-8 bytes in place. Only a string bridged from another runtime has none in one piece and is copied first.
    @inline(__always)
    fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) } ?? Array(utf8).withUnsafeBytes(body)
    }
}
