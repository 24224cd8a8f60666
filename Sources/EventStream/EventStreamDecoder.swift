// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Reads an event stream piece by piece (HTML, sections 9.2.5 and 9.2.6,
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
///
/// The same bytes give the same items, however they are cut. An item is handed out with the very byte that completes
/// it: a CR ends its line at once, and an LF that turns up next is dropped. There is no end-of-stream call, because the
/// specification discards an event that no blank line has ended; ``hasUnfinishedEvent`` tells whether there is one.
///
/// It does no input or output and keeps no clock. Memory is bounded by ``EventStreamLimits``, and each byte is copied a
/// fixed number of times however small the pieces are: complete lines are read in place, only a line that spans pieces
/// is carried over, in a buffer that grows by doubling.
public struct EventStreamDecoder: Sendable {
    /// What a stream says.
    public enum Item: Sendable, Equatable {
        /// A block with data has ended.
        case event(ServerSentEvent)
        /// A block without data has ended. No event is dispatched, but `id` has become the last event ID and `retry`
        /// the reconnection time in milliseconds, where given.
        case update(id: String?, retry: Int?)
        /// A comment line, without its colon and one space. Conforming clients ignore these; a probe sees heartbeats.
        case comment(String)
        /// A line that no rule of the specification knows, cut to 256 bytes: most likely what somebody else than the
        /// server wrote into the stream.
        case foreign(String)
    }

    /// Takes an item together with the number of bytes of the piece up to and including the item's last.
    public typealias PositionedReceiver = (_ item: Item, _ end: Int) -> Void

    /// The bounds, fixed for the life of the decoder.
    public let limits: EventStreamLimits

    /// The last event ID, to be sent as `Last-Event-ID` when reconnecting. An `id` field counts once a blank line has
    /// ended its block.
    public private(set) var lastEventID: String

    /// The reconnection time in milliseconds, if the stream has set one. It counts from the end of the `retry` line,
    /// and is at most ``ServerSentEvent/maximumRetry``: larger values are cut down to it.
    public private(set) var reconnectionTime: Int?

    /// Whether the stream, if it ended here, would lose something: part of a line, or fields without a blank line.
    public var hasUnfinishedEvent: Bool { !line.isEmpty || !block.isEmpty }

    /// How much memory the unfinished line holds; tests count how often it grows.
    var carriedCapacity: Int { line.capacity }

    private let reportsComments: Bool
    private let reportsForeignLines: Bool
    private var line: [UInt8] = []
    private var block = EventBlock()
    private var isAtFirstLine = true
    private var mayDropLineFeed = false
    private var failure: EventStreamError?

    /// Creates a decoder at the start of a stream.
    ///
    /// - Parameters:
    ///   - limits: Bounds on the length of lines and events.
    ///   - lastEventID: The last event ID known from before, which events without an id of their own then carry. The
    ///     specification starts each stream with the empty string; browsers keep the old one across a reconnection.
    ///   - reportsComments: Whether comment lines are handed out.
    ///   - reportsForeignLines: Whether lines that are no field of the specification are handed out.
    public init(
        limits: EventStreamLimits = .init(),
        lastEventID: String = "",
        reportsComments: Bool = true,
        reportsForeignLines: Bool = false
    ) {
        self.limits = limits
        self.lastEventID = lastEventID
        self.reportsComments = reportsComments
        self.reportsForeignLines = reportsForeignLines
    }

    /// Makes the decoder ready for the next stream after a reconnection: an unfinished event and a failure are
    /// forgotten, the last event ID and the reconnection time stay.
    public mutating func beginStream() {
        line = []
        block = EventBlock()
        isAtFirstLine = true
        mayDropLineFeed = false
        failure = nil
    }

    /// Reads all readable bytes of `buffer` and moves its reader index past them.
    ///
    /// - Throws: ``EventStreamError/lineTooLong(limit:)`` or ``EventStreamError/eventTooLarge(limit:)``, after the
    ///   items before it were handed out. The stream cannot be picked up again: later calls throw the same error.
    public mutating func decode(
        _ buffer: inout ByteBuffer,
        into receive: (Item) -> Void
    ) throws(EventStreamError) {
        buffer.readWithUnsafeReadableBytes { bytes in
            read(bytes) { item, _ in receive(item) }
            return bytes.count
        }
        if let failure { throw failure }
    }

    /// Reads all of `view`, as with a buffer.
    public mutating func decode(
        _ view: ByteBufferView,
        into receive: (Item) -> Void
    ) throws(EventStreamError) {
        view.withUnsafeBytes { bytes in read(bytes) { item, _ in receive(item) } }
        if let failure { throw failure }
    }

    /// Reads all of `view`, and tells of each item where it ended.
    public mutating func decode(
        _ view: ByteBufferView,
        positioned receive: PositionedReceiver
    ) throws(EventStreamError) {
        view.withUnsafeBytes { read($0, into: receive) }
        if let failure { throw failure }
    }

    // MARK: - Lines

    private mutating func read(_ bytes: UnsafeRawBufferPointer, into receive: PositionedReceiver) {
        if failure != nil || bytes.isEmpty { return }
        var start = 0
        if mayDropLineFeed {
            mayDropLineFeed = false
            if bytes[0] == .lineFeed { start = 1 }
        }
        var scanner = LineBreakScanner(bytes)
        while start < bytes.count {
            let end = scanner.lineBreak(from: start)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if end == bytes.count { return carry(piece) }
            endLine(with: piece, at: end + 1, into: receive)
            if failure != nil { return }
            start = end + 1
            if bytes[end] == .carriageReturn {
                if start == bytes.count {
                    mayDropLineFeed = true
                } else if bytes[start] == .lineFeed {
                    start += 1
                }
            }
        }
    }

    /// Keeps the start of a line whose end has not come yet, and fails as soon as no end could make it short enough.
    private mutating func carry(_ piece: UnsafeRawBufferPointer) {
        // Measured before it is copied: a piece beyond the limit must not take memory first. The line's first three
        // bytes may be in `line`, in `piece` or in both, and while they may become a byte order mark they don't count.
        let mark = isAtFirstLine ? byteOrderMarkPrefix(followedBy: piece) : 0
        let limit = limits.maximumLineBytes
        if line.count + piece.count - mark > limit { return fail(.lineTooLong(limit: limit)) }
        // Never reserve here: room for exactly these bytes would copy the whole line anew for each piece.
        line.append(contentsOf: piece)
    }

    private mutating func endLine(
        with piece: UnsafeRawBufferPointer,
        at end: Int,
        into receive: PositionedReceiver
    ) {
        if line.isEmpty { return interpret(piece, at: end, into: receive) }
        carry(piece)
        if failure != nil { return }
        // Taken out, so that the line can be read while the rest of the state changes; its memory comes back after.
        var whole = line
        line = []
        whole.withUnsafeBytes { interpret($0, at: end, into: receive) }
        whole.empty()
        line = whole
    }

    /// How many bytes at the start of the line are, or may become, a byte order mark.
    private func byteOrderMarkPrefix(followedBy piece: UnsafeRawBufferPointer) -> Int {
        let length = min(line.count + piece.count, byteOrderMark.count)
        for index in 0..<length {
            let byte = index < line.count ? line[index] : piece[index - line.count]
            if byte != byteOrderMark[index] { return 0 }
        }
        return length
    }

    private mutating func fail(_ error: EventStreamError) {
        failure = error
        line = []
        block = EventBlock()
    }

    // MARK: - Fields

    /// Interprets one complete line, its end removed (section 9.2.6).
    private mutating func interpret(
        _ bytes: UnsafeRawBufferPointer,
        at end: Int,
        into receive: PositionedReceiver
    ) {
        var bytes = bytes
        if isAtFirstLine {
            isAtFirstLine = false
            // "UTF-8 decode" strips one byte order mark from the start of the stream, and no other.
            if bytes.starts(with: byteOrderMark) { bytes = bytes.dropping(byteOrderMark.count) }
        }
        if bytes.count > limits.maximumLineBytes { return fail(.lineTooLong(limit: limits.maximumLineBytes)) }
        guard let first = bytes.first else { return endBlock(at: end, into: receive) }
        if first == .colon {
            if reportsComments { receive(.comment(bytes.dropping(1).droppingSpace().text), end) }
            return
        }
        let colon = bytes.index(of: .colon)
        let name = UnsafeRawBufferPointer(rebasing: bytes[..<colon])
        let value = colon == bytes.count ? bytes.dropping(colon) : bytes.dropping(colon + 1).droppingSpace()
        if name.equals("data") {
            if !block.append(value, limit: limits.maximumEventBytes) {
                fail(.eventTooLarge(limit: limits.maximumEventBytes))
            }
        } else if name.equals("id") {
            block.setID(value)
        } else if name.equals("event") {
            block.setType(value)
        } else if name.equals("retry"), let retry = block.setRetry(value) {
            // Not only at the end of the block: a stream cut off right after this line has still set it.
            reconnectionTime = retry
        } else if reportsForeignLines, !name.equals("retry") {
            receive(.foreign(UnsafeRawBufferPointer(rebasing: bytes.prefix(256)).text), end)
        }
    }

    /// A blank line: "dispatch the event".
    private mutating func endBlock(at end: Int, into receive: PositionedReceiver) {
        if let id = block.id { lastEventID = id }
        if let item = block.end(lastEventID: lastEventID) { receive(item, end) }
    }
}

private let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
