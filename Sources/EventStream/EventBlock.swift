// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The buffers in which a decoder gathers the fields of one block (HTML, section 9.2.6).
///
/// Fields are cut at ASCII bytes, which are never part of a longer UTF-8 sequence. So each can be decoded by itself
/// with the same result as if the stream had been decoded first, and a sequence split over pieces needs no care.
struct EventBlock: Sendable {
    private(set) var id: String?
    private var type: String?
    private var retry: Int?
    private var data: [UInt8] = []
    private var hasData = false

    /// Whether no field has been set since the last blank line.
    var isEmpty: Bool { !hasData && id == nil && type == nil && retry == nil }

    /// A `data` line. False, and nothing is appended, if the data would exceed `limit` bytes.
    mutating func append(_ value: UnsafeRawBufferPointer, limit: Int) -> Bool {
        // The specification ends every line with LF and strips the last one again; here LF goes between the lines.
        let count = hasData ? data.count + 1 + value.count : value.count
        if count > limit { return false }
        if hasData { data.append(.lineFeed) }
        hasData = true
        data.append(contentsOf: value)
        return true
    }

    /// An `event` line.
    mutating func setType(_ value: UnsafeRawBufferPointer) {
        type = value.isEmpty ? nil : value.text
    }

    /// An `id` line, ignored if it holds U+0000.
    mutating func setID(_ value: UnsafeRawBufferPointer) {
        if value.index(of: .null) == value.count { id = value.text }
    }

    /// A `retry` line, ignored unless it is ASCII digits only. Gives the milliseconds if it counts.
    ///
    /// An empty value is ignored too: it "consists of only ASCII digits" in the letter, but is no number in base ten.
    mutating func setRetry(_ value: UnsafeRawBufferPointer) -> Int? {
        if value.isEmpty { return nil }
        var milliseconds = 0
        for byte in value {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            // Cut down at each digit, so no number of digits can overflow.
            milliseconds = min(milliseconds * 10 + Int(byte - UInt8(ascii: "0")), ServerSentEvent.maximumRetry)
        }
        retry = milliseconds
        return milliseconds
    }

    /// A blank line: gives what the block amounts to and starts the next one.
    mutating func end(lastEventID: String) -> EventStreamDecoder.Item? {
        defer { reset() }
        if hasData {
            let text = String(decoding: data, as: UTF8.self)
            return .event(ServerSentEvent(type: type, data: text, id: id, retry: retry, lastEventID: lastEventID))
        }
        return id == nil && retry == nil ? nil : .update(id: id, retry: retry)
    }

    private mutating func reset() {
        id = nil
        type = nil
        retry = nil
        hasData = false
        data.empty()
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes as text, ill-formed sequences replaced by U+FFFD as the Encoding standard's "UTF-8 decode" does.
    var text: String { String(decoding: self, as: UTF8.self) }

    func dropping(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[count...])
    }

    /// Without one leading space, the one that may follow a colon.
    func droppingSpace() -> UnsafeRawBufferPointer {
        first == .space ? dropping(1) : self
    }
}

extension [UInt8] {
    /// Removes all bytes, keeping memory that the next line or event will need, but not what one large one has taken:
    /// a process may hold thousands of decoders. 16 KiB is above all but the largest events.
    mutating func empty() {
        removeAll(keepingCapacity: capacity <= 16 << 10)
    }
}
