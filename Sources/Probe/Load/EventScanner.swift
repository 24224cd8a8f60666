// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Finds the events of a stream and, in each, the publisher's number and time, where they lie: no text is made, nothing
/// is kept but these 48 bytes, and it goes on wherever the bytes were cut. It counts as ``EventStreamDecoder`` counts.
///
/// A line that is here whole takes the short way (EventScanner+Line.swift), which looks for a few words of it; the two
/// ends of a line that was cut go byte by byte (EventScanner+Bytes.swift). Tests hold the two against each other at
/// every cut. It has no bound on the length of lines, since it keeps none.
struct EventScanner: Sendable {
    /// What an event has.
    struct Marks: OptionSet, Sendable {
        let rawValue: UInt16
        /// A `data` line: without one a block is no event.
        static let data = Marks(rawValue: 1)
        /// `"seq":` in the data.
        static let sequence = Marks(rawValue: 2)
        /// `"ts":` in the data.
        static let time = Marks(rawValue: 4)
        /// An `id` that ends in a number.
        static let identifier = Marks(rawValue: 8)
        /// `event: gap`, by which Headwater says that events are missing.
        static let gap = Marks(rawValue: 16)
        /// `event: heartbeat`.
        static let heartbeat = Marks(rawValue: 32)
        /// `event: end`: nothing more comes.
        static let end = Marks(rawValue: 64)

        /// State between lines.
        static let notAtStart = Marks(rawValue: 256)
        static let mayDropLineFeed = Marks(rawValue: 512)
        /// Set by the owner, who counts by `"seq":` and does not need the ids.
        static let ignoresIdentifiers = Marks(rawValue: 1_024)
        static let betweenBlocks: Marks = [.notAtStart, .mayDropLineFeed, .ignoresIdentifiers]
    }

    /// The event that has just ended; the values count where the mark is set.
    struct Event {
        let marks: Marks
        let sequence: UInt64
        /// As it stands there, in whatever unit.
        let time: UInt64
        let identifier: UInt64
    }

    var sequence: UInt64 = 0
    var time: UInt64 = 0
    var identifier: UInt64 = 0
    var marks: Marks = []
    /// Inside a cut line.
    var cursor = LineCursor()

    /// Reads on.
    /// - Parameters:
    ///   - found: called with each event as its last byte is read.
    ///   - comments: counts comment lines, which are heartbeats as a rule.
    @inline(__always)
    mutating func scan(
        _ bytes: UnsafeRawBufferPointer,
        comments: inout UInt64,
        _ found: (Event) -> Void
    ) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        let count = bytes.count
        var position = 0
        if cursor.isInside || marks.contains(.mayDropLineFeed) || !marks.contains(.notAtStart) {
            position = resume(bytes, comments: &comments, found)
        }
        var breaks = LineBreaks(base, count)
        while position < count {
            let end = breaks.next(from: position)
            guard end < count else {
                // The beginning of a line whose end has not come.
                for place in position..<count { step(bytes[place]) }
                return
            }
            if end == position {
                endBlock(found)
            } else if base.load(fromByteOffset: position, as: UInt8.self) == UInt8(ascii: ":") {
                comments &+= 1
            } else {
                line(base + position, end - position)
            }
            position = end + 1
            if bytes[end] == 0x0D {
                if position == count {
                    marks.insert(.mayDropLineFeed)
                } else if bytes[position] == 0x0A {
                    position += 1
                }
            }
        }
    }

    /// Finishes a line byte by byte, also the first of the stream, which may begin with a byte order mark.
    /// - Returns: where the next line begins, or the number of bytes.
    private mutating func resume(
        _ bytes: UnsafeRawBufferPointer,
        comments: inout UInt64,
        _ found: (Event) -> Void
    ) -> Int {
        var position = 0
        if marks.contains(.mayDropLineFeed) {
            marks.remove(.mayDropLineFeed)
            if bytes.count > 0, bytes[0] == 0x0A { position = 1 }
        }
        guard cursor.isInside || !marks.contains(.notAtStart) else { return position }
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == 0x0A || byte == 0x0D else {
                step(byte)
                continue
            }
            marks.insert(.notAtStart)
            switch finishLine() {
            case .blank: endBlock(found)
            case .comment: comments &+= 1
            case .field: break
            }
            if byte == 0x0D {
                if position == bytes.count {
                    marks.insert(.mayDropLineFeed)
                } else if bytes[position] == 0x0A {
                    position += 1
                }
            }
            break
        }
        return position
    }

    @inline(__always)
    private mutating func endBlock(_ found: (Event) -> Void) {
        if marks.contains(.data) {
            found(Event(marks: marks, sequence: sequence, time: time, identifier: identifier))
        }
        marks.formIntersection(.betweenBlocks)
    }
}
