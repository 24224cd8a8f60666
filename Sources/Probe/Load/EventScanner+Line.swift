// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// The short way of a whole line, which is nearly every line.
extension EventScanner {
    /// A line without its end, neither blank nor a comment.
    @inline(__always)
    mutating func line(_ start: UnsafeRawPointer, _ count: Int) {
        let end = start + count
        let first = start.load(as: UInt8.self)
        if first == UInt8(ascii: "d") {
            guard let value = Self.value(start, end, "data") else { return }
            marks.insert(.data)
            members(value, end)
        } else if first == UInt8(ascii: "i") {
            guard !marks.contains(.ignoresIdentifiers), let value = Self.value(start, end, "id") else { return }
            identify(value, end)
        } else if first == UInt8(ascii: "e") {
            guard let value = Self.value(start, end, "event") else { return }
            marks.setType(Self.type(value, end))
        }
    }

    /// Where the value of the field `name` begins; nil if the line is another field's.
    @inline(__always)
    private static func value(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, _ name: StaticString
    ) -> UnsafeRawPointer? {
        let length = name.utf8CodeUnitCount
        guard end - start >= length, memcmp(start, name.utf8Start, length) == 0 else { return nil }
        let colon = start + length
        if colon == end { return end }
        guard colon.load(as: UInt8.self) == UInt8(ascii: ":") else { return nil }
        let value = colon + 1
        return value < end && value.load(as: UInt8.self) == 0x20 ? value + 1 : value
    }

    /// Looks for `"seq":` and `"ts":` until both are found.
    @inline(__always)
    private mutating func members(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
        var position = start
        let both: Marks = [.sequence, .time]
        // `"ts":` and a digit are the least that counts.
        while end - position > 5, !marks.isSuperset(of: both) {
            guard position.load(as: UInt8.self) == UInt8(ascii: "\"") else {
                position += 1
                continue
            }
            position += 1
            let word = position.loadUnaligned(as: UInt32.self)
            if word == UInt32(littleEndian: 0x3a22_7374) {
                // ts":
                if let value = Self.number(&position, 4, end), marks.insert(.time).inserted { time = value }
            } else if word == UInt32(littleEndian: 0x2271_6573), end - position > 5,
                position.load(fromByteOffset: 4, as: UInt8.self) == UInt8(ascii: ":")
            {
                // seq":
                if let value = Self.number(&position, 5, end), marks.insert(.sequence).inserted { sequence = value }
            }
        }
    }

    /// The number at `offset` from `position`, in quotes or not; moves `position` behind its digits.
    @inline(__always)
    private static func number(
        _ position: inout UnsafeRawPointer, _ offset: Int, _ end: UnsafeRawPointer
    ) -> UInt64? {
        position += offset
        while position < end, position.load(as: UInt8.self) == 0x20 { position += 1 }
        let before = position
        if position < end, position.load(as: UInt8.self) == UInt8(ascii: "\"") { position += 1 }
        var digits = DigitRun()
        while position < end, digits.take(position.load(as: UInt8.self)) { position += 1 }
        // A mark that no digit follows may begin another name.
        if digits.isEmpty { position = before }
        return digits.value(before: position < end ? position.load(as: UInt8.self) : nil)
    }

    /// The number at the end of an id, behind its last dot.
    @inline(__always)
    private mutating func identify(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) {
        var digits = DigitRun()
        var position = start
        while position < end {
            let byte = position.load(as: UInt8.self)
            if byte == 0 { return }
            if byte == UInt8(ascii: ".") {
                digits = DigitRun()
            } else {
                digits.takeOrSpoil(byte)
            }
            position += 1
        }
        identified(by: digits)
    }

    mutating func identified(by digits: DigitRun) {
        marks.remove(.identifier)
        if marks.contains(.ignoresIdentifiers) { return }
        guard let value = digits.value(before: nil) else { return }
        identifier = value
        marks.insert(.identifier)
    }

    private static func type(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> EventTypeHash {
        var hash = EventTypeHash()
        for place in 0..<end - start { hash.take(start.load(fromByteOffset: place, as: UInt8.self)) }
        return hash
    }
}

/// Where the next line ends; each of the two characters is looked for once per byte at most.
struct LineBreaks {
    private let base: UnsafeRawPointer
    private let count: Int
    private var lineFeed = -1
    private var carriageReturn = -1

    @inline(__always)
    init(_ base: UnsafeRawPointer, _ count: Int) {
        self.base = base
        self.count = count
    }

    @inline(__always)
    mutating func next(from start: Int) -> Int {
        if lineFeed < start { lineFeed = index(of: 0x0A, from: start) }
        if carriageReturn < start { carriageReturn = index(of: 0x0D, from: start) }
        return min(lineFeed, carriageReturn)
    }

    @inline(__always)
    private func index(of byte: Int32, from start: Int) -> Int {
        guard let found = memchr(base + start, byte, count - start) else { return count }
        return UnsafeRawPointer(found) - base
    }
}
