// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Whether bytes are one JSON text, to the letter of RFC 8259. Foundation's decoder is more lenient (trailing commas,
// leading zeros, control characters in strings) and only looks at what it decodes; a subscriber's strict parser would
// then fail at what we took. Nothing is kept or converted.

/// Reads once from left to right, without recursion: what is open is a stack of one byte per level.
struct JSONWellFormedness {
    /// Arrays and objects within each other; parsers of subscribers have limits of this kind too.
    static let maximumDepth = 512

    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    /// The closing bracket that each open array or object waits for.
    private var open: [UInt8] = []

    /// - Parameter bytes: UTF-8, which is the caller's to check.
    static func check(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = JSONWellFormedness(bytes: bytes)
        return reader.readText()
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var current: UInt8? { self.index < self.bytes.count ? self.bytes[self.index] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.current == byte else { return false }
        self.index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = self.current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { self.index += 1 }
    }

    private mutating func readText() -> Bool {
        repeat {
            // A value stands here: a member's after its name and colon.
            if self.open.last == UInt8(ascii: "}"), !self.readName() { return false }
            self.skipSpace()
            guard self.readValueOrOpening() else { return false }
        } while self.hasMore()
        self.skipSpace()
        return self.open.isEmpty && self.index == self.bytes.count && !self.isBroken
    }

    private var isBroken = false
    /// An array or object was opened and may close at once.
    private var isFresh = false

    /// After a value or an opening: closes what ends here. - Returns: whether another value must follow.
    private mutating func hasMore() -> Bool {
        while let closing = self.open.last {
            self.skipSpace()
            if self.take(closing) {
                self.open.removeLast()
                self.isFresh = false
            } else if self.isFresh {
                self.isFresh = false
                return true
            } else {
                self.isBroken = !self.take(UInt8(ascii: ","))
                return !self.isBroken
            }
        }
        return false
    }

    private mutating func readName() -> Bool {
        self.skipSpace()
        guard self.readString() else { return false }
        self.skipSpace()
        return self.take(UInt8(ascii: ":"))
    }

    private mutating func readValueOrOpening() -> Bool {
        switch self.current {
        case UInt8(ascii: "{"): return self.opened(closing: UInt8(ascii: "}"))
        case UInt8(ascii: "["): return self.opened(closing: UInt8(ascii: "]"))
        case UInt8(ascii: "\""): return self.readString()
        case UInt8(ascii: "t"): return self.readLiteral("true")
        case UInt8(ascii: "f"): return self.readLiteral("false")
        case UInt8(ascii: "n"): return self.readLiteral("null")
        default: return self.readNumber()
        }
    }

    private mutating func opened(closing: UInt8) -> Bool {
        self.index += 1
        self.open.append(closing)
        self.isFresh = true
        return self.open.count <= Self.maximumDepth
    }

    private mutating func readLiteral(_ literal: StaticString) -> Bool {
        literal.withUTF8Buffer { expected in
            guard self.bytes[self.index...].starts(with: expected) else { return false }
            self.index += expected.count
            return true
        }
    }

    /// Section 7: no control characters, and only the escapes that are listed there.
    private mutating func readString() -> Bool {
        guard self.take(UInt8(ascii: "\"")) else { return false }
        while let byte = self.current {
            self.index += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard self.readEscape() else { return false }
            case 0..<0x20: return false
            default: continue
            }
        }
        return false
    }

    private mutating func readEscape() -> Bool {
        guard let byte = self.current else { return false }
        self.index += 1
        guard byte == UInt8(ascii: "u") else { return Self.escapes.contains(byte) }
        guard self.index + 4 <= self.bytes.count else { return false }
        defer { self.index += 4 }
        return self.bytes[self.index..<self.index + 4].allSatisfy(Self.isHexadecimal)
    }

    private static let escapes = Set("\"\\/bfnrt".utf8)

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    /// Section 6: no leading zeros, no sign but minus, digits on both sides of the point.
    private mutating func readNumber() -> Bool {
        _ = self.take(UInt8(ascii: "-"))
        if !self.take(UInt8(ascii: "0")), !self.readDigits() { return false }
        if self.take(UInt8(ascii: ".")), !self.readDigits() { return false }
        guard self.take(UInt8(ascii: "e")) || self.take(UInt8(ascii: "E")) else { return true }
        if !self.take(UInt8(ascii: "+")) { _ = self.take(UInt8(ascii: "-")) }
        return self.readDigits()
    }

    /// At least one.
    private mutating func readDigits() -> Bool {
        let start = self.index
        while let byte = self.current, 48...57 ~= byte { self.index += 1 }
        return self.index > start
    }
}
