// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Finds the content in a chunked body (RFC 9112 section 7.1), in place and cut anywhere. A pure state machine; it
/// reads up to the last chunk, which it leaves to the ordinary decoder together with the trailers.
struct ChunkReader {
    enum Step: Equatable {
        /// Content, as a range of the bytes given; more may follow in them.
        case content(Range<Int>)
        /// All bytes are read.
        case needsMore
        /// The line of the last chunk ends here: trailers follow, if any.
        case lastChunk
        case malformed(String)
    }

    private enum State {
        case size(digits: Int)
        case parameters
        case sizeLineFeed
        case content
        case carriageReturn
        case lineFeed
        case over
    }

    private var state = State.size(digits: 0)
    /// Of the chunk under way: its size as far as it is read, then what is missing of it.
    private var remaining = 0
    private var parameterBytes = 0

    /// Sixty bits are more than any body; a longer number would overflow.
    private static let maximumDigits = 15
    /// Chunk extensions carry nothing here. What NIO's decoder allows is of this order too.
    private static let maximumParameterBytes = 16_384

    /// Reads from `position` on and moves it.
    mutating func next(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Step {
        while position < bytes.count {
            let byte = bytes[position]
            switch state {
            case .content:
                let count = min(remaining, bytes.count - position)
                defer { position += count }
                remaining -= count
                if remaining == 0 { state = .carriageReturn }
                return .content(position..<position + count)
            case .carriageReturn:
                guard byte == 0x0D else { return fail("no CR behind a chunk") }
                state = .lineFeed
            case .lineFeed:
                guard byte == 0x0A else { return fail("no LF behind a chunk") }
                remaining = 0
                state = .size(digits: 0)
            case .size(let digits):
                if let value = Self.hexadecimal(byte) {
                    guard digits < Self.maximumDigits else { return fail("a chunk size of too many digits") }
                    remaining = remaining << 4 | value
                    state = .size(digits: digits + 1)
                } else {
                    guard digits > 0 else { return fail("a chunk without size") }
                    switch byte {
                    case 0x0D: state = .sizeLineFeed
                    case UInt8(ascii: ";"), 0x20, 0x09: beginParameters()
                    default: return fail("a chunk size that is no number")
                    }
                }
            case .parameters:
                parameterBytes += 1
                guard parameterBytes <= Self.maximumParameterBytes else { return fail("chunk extensions too long") }
                if byte == 0x0D { state = .sizeLineFeed }
                if byte == 0x0A { return fail("no CR behind a chunk size") }
            case .sizeLineFeed:
                guard byte == 0x0A else { return fail("no LF behind a chunk size") }
                guard remaining > 0 else {
                    position += 1
                    state = .over
                    return .lastChunk
                }
                state = .content
            case .over: return .lastChunk
            }
            position += 1
        }
        return .needsMore
    }

    private mutating func beginParameters() {
        parameterBytes = 0
        state = .parameters
    }

    private mutating func fail(_ reason: String) -> Step {
        state = .over
        return .malformed(reason)
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

/// Finds the end of a head, cut anywhere (RFC 9112 section 2.1).
struct HeadEndFinder {
    private var matched = 0

    /// The position behind the blank line, from which on the finder looks for another; nil if it is not in the bytes.
    mutating func end(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        for position in start..<bytes.count {
            let byte = bytes[position]
            let wanted: UInt8 = matched & 1 == 0 ? 0x0D : 0x0A
            // After CR LF CR another CR begins anew.
            matched = byte == wanted ? matched + 1 : byte == 0x0D ? 1 : 0
            if matched == 4 {
                matched = 0
                return position + 1
            }
        }
        return nil
    }
}
