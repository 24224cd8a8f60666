// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The long way of a line that was cut: byte by byte. It finds what the short way finds.

/// Where in a line the bytes ended, and what its number is so far.
struct LineCursor: Sendable {
    enum Place: UInt8, Sendable {
        case lineStart
        /// In what may become a byte order mark.
        case byteOrderMark
        /// In the name of a field, of which `progress` bytes have matched.
        case dataName, idName, eventName
        /// Behind the colon, where one space does not count.
        case dataSpace, idSpace, eventSpace
        /// In the data, looking for a quotation mark; behind one; in the names of the two members.
        case data, member, timeName, sequenceName
        /// Behind the name, before its digits.
        case beforeTime, beforeSequence, quotedTime, quotedSequence
        case time, sequence
        case id, event
        case comment
        /// A line, or the rest of one, that says nothing here.
        case other
    }

    var place = Place.lineStart
    var progress: UInt8 = 0
    var digits = DigitRun()
    var type = EventTypeHash()

    var isInside: Bool { place != .lineStart }

    mutating func move(to place: Place, progress: UInt8 = 0) {
        self.place = place
        self.progress = progress
    }
}

extension EventScanner {
    enum Line {
        case blank
        case comment
        case field
    }

    /// A byte of a line, neither CR nor LF.
    mutating func step(_ byte: UInt8) {
        switch cursor.place {
        case .lineStart: begin(byte)
        case .byteOrderMark:
            let wanted: UInt8 = cursor.progress == 1 ? 0xBB : 0xBF
            if byte != wanted {
                cursor.move(to: .other)
            } else if cursor.progress == 2 {
                // Not a second one: the progress says that there was one.
                cursor.move(to: .lineStart, progress: 1)
            } else {
                cursor.progress = 2
            }
        case .dataName: name(byte, "data", then: .dataSpace)
        case .idName: name(byte, "id", then: .idSpace)
        case .eventName: name(byte, "event", then: .eventSpace)
        case .dataSpace: value(byte, .data)
        case .idSpace: value(byte, .id)
        case .eventSpace: value(byte, .event)
        case .data: if byte == UInt8(ascii: "\"") { cursor.move(to: .member) }
        case .member: member(byte)
        case .timeName: member(byte, "ts\":", then: .beforeTime)
        case .sequenceName: member(byte, "seq\":", then: .beforeSequence)
        case .beforeTime: before(byte, quoted: .quotedTime, digits: .time)
        case .beforeSequence: before(byte, quoted: .quotedSequence, digits: .sequence)
        case .quotedTime, .time: number(byte, in: .time)
        case .quotedSequence, .sequence: number(byte, in: .sequence)
        case .id:
            // An id with U+0000 does not count (HTML, section 9.2.6).
            if byte == 0 { return cursor.move(to: .other) }
            if byte == UInt8(ascii: ".") { cursor.digits = DigitRun() } else { cursor.digits.takeOrSpoil(byte) }
        case .event: cursor.type.take(byte)
        case .comment, .other: break
        }
    }

    /// The end of the line.
    mutating func finishLine() -> Line {
        defer { cursor = LineCursor() }
        switch cursor.place {
        case .lineStart: return .blank
        case .comment: return .comment
        // A name without a colon is a field without a value.
        case .dataName: if cursor.progress == 4 { marks.insert(.data) }
        case .idName: if cursor.progress == 2 { marks.remove(.identifier) }
        case .eventName: if cursor.progress == 5 { marks.setType(EventTypeHash()) }
        case .idSpace, .id: identified(by: cursor.digits)
        case .eventSpace, .event: marks.setType(cursor.type)
        case .time, .sequence: endNumber(before: nil)
        default: break
        }
        return .field
    }

    private mutating func begin(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "d"): cursor.move(to: .dataName, progress: 1)
        case UInt8(ascii: "i"): cursor.move(to: .idName, progress: 1)
        case UInt8(ascii: "e"): cursor.move(to: .eventName, progress: 1)
        case UInt8(ascii: ":"): cursor.move(to: .comment)
        case 0xEF where !marks.contains(.notAtStart) && cursor.progress == 0:
            cursor.move(to: .byteOrderMark, progress: 1)
        default: cursor.move(to: .other)
        }
    }

    private mutating func name(_ byte: UInt8, _ name: StaticString, then place: LineCursor.Place) {
        let matched = Int(cursor.progress)
        if matched < name.utf8CodeUnitCount, byte == name.utf8Start[matched] {
            cursor.progress += 1
        } else if matched == name.utf8CodeUnitCount, byte == UInt8(ascii: ":") {
            if place == .dataSpace { marks.insert(.data) }
            cursor.move(to: place)
        } else {
            cursor.move(to: .other)
        }
    }

    /// The first byte of a value.
    private mutating func value(_ byte: UInt8, _ place: LineCursor.Place) {
        cursor.move(to: place)
        if byte != 0x20 { step(byte) }
    }

    /// The first byte behind a quotation mark.
    private mutating func member(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "t"): cursor.move(to: .timeName, progress: 1)
        case UInt8(ascii: "s"): cursor.move(to: .sequenceName, progress: 1)
        case UInt8(ascii: "\""): break
        default: cursor.move(to: .data)
        }
    }

    private mutating func member(_ byte: UInt8, _ name: StaticString, then place: LineCursor.Place) {
        let matched = Int(cursor.progress)
        if byte == name.utf8Start[matched] {
            cursor.progress += 1
            if matched + 1 == name.utf8CodeUnitCount { cursor.move(to: place) }
        } else if name.utf8Start[matched - 1] == UInt8(ascii: "\"") {
            // The mark that ended this name may begin another.
            cursor.move(to: .member)
            member(byte)
        } else {
            cursor.move(to: byte == UInt8(ascii: "\"") ? .member : .data)
        }
    }

    private mutating func before(_ byte: UInt8, quoted: LineCursor.Place, digits: LineCursor.Place) {
        cursor.digits = DigitRun()
        switch byte {
        case 0x20: break
        case UInt8(ascii: "\""): cursor.move(to: quoted)
        default:
            cursor.move(to: digits)
            step(byte)
        }
    }

    private mutating func number(_ byte: UInt8, in place: LineCursor.Place) {
        let isQuoted = cursor.place != place
        cursor.place = place
        if cursor.digits.take(byte) { return }
        // A mark that no digit follows may begin another name.
        if isQuoted, cursor.digits.isEmpty {
            cursor.move(to: .member)
        } else {
            endNumber(before: byte)
            cursor.move(to: .data)
        }
        step(byte)
    }

    private mutating func endNumber(before next: UInt8?) {
        guard let value = cursor.digits.value(before: next) else { return }
        if cursor.place == .time {
            if marks.insert(.time).inserted { time = value }
        } else if marks.insert(.sequence).inserted {
            sequence = value
        }
    }
}

/// Decimal digits on their way to a number.
struct DigitRun: Sendable {
    private var number: UInt64 = 0
    private var count: UInt8 = 0

    var isEmpty: Bool { count == 0 }

    /// More do not fit into 64 bits for sure.
    private static let limit: UInt8 = 19
    private static let spoilt: UInt8 = 255

    /// - Returns: whether the byte is a digit.
    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        let digit = byte &- UInt8(ascii: "0")
        guard digit <= 9 else { return false }
        if count < Self.limit {
            number = number &* 10 &+ UInt64(digit)
            count += 1
        } else {
            count = Self.spoilt
        }
        return true
    }

    /// Anything but digits makes it no number.
    @inline(__always)
    mutating func takeOrSpoil(_ byte: UInt8) {
        if !take(byte) { count = Self.spoilt }
    }

    /// - Parameter next: what follows; a fraction or an exponent is no whole number.
    @inline(__always)
    func value(before next: UInt8?) -> UInt64? {
        guard count > 0, count <= Self.limit else { return nil }
        switch next {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
        default: return number
        }
    }
}

/// FNV-1a of an event's type, which tells the three that matter from all others.
struct EventTypeHash: Sendable, Equatable {
    private var hash: UInt32 = 0x811c_9dc5

    @inline(__always)
    mutating func take(_ byte: UInt8) {
        hash = (hash ^ UInt32(byte)) &* 0x0100_0193
    }

    init() {}

    private init(_ name: StaticString) {
        for place in 0..<name.utf8CodeUnitCount { take(name.utf8Start[place]) }
    }

    static let gap = EventTypeHash("gap")
    static let heartbeat = EventTypeHash("heartbeat")
    static let end = EventTypeHash("end")
}

extension EventScanner.Marks {
    /// The last `event` line of a block counts.
    mutating func setType(_ type: EventTypeHash) {
        subtract([.gap, .heartbeat, .end])
        switch type {
        case .gap: insert(.gap)
        case .heartbeat: insert(.heartbeat)
        case .end: insert(.end)
        default: break
        }
    }
}
