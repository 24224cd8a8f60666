// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The 16 bytes that name a trace (W3C Trace Context, section 3.2.2.3). All zero is the invalid one.
///
/// Two words in the order of the wire, so that comparing, hashing and storing never allocate.
public struct TraceID: Hashable, Sendable {
    /// The first eight bytes of the wire, most significant byte first.
    public let high: UInt64
    /// The last eight bytes of the wire.
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static let invalid = TraceID(high: 0, low: 0)

    public var isValid: Bool { high | low != 0 }

    /// Reads exactly 32 lowercase hexadecimal digits; nil for anything else and for the invalid id.
    public init?(hex: some StringProtocol) {
        var bytes = HexReader(hex.utf8)
        guard hex.utf8.count == 32, let high = bytes.word(), let low = bytes.word(), high | low != 0 else { return nil }
        self.init(high: high, low: low)
    }

    /// 32 lowercase hexadecimal digits.
    public var hex: String { Hex.text(high, low) }
}

/// The eight bytes that name a span (W3C Trace Context, section 3.2.2.4). All zero is the invalid one.
public struct SpanID: Hashable, Sendable {
    /// The bytes of the wire, most significant byte first.
    public let value: UInt64

    public init(_ value: UInt64) { self.value = value }

    public static let invalid = SpanID(0)

    public var isValid: Bool { value != 0 }

    /// Reads exactly 16 lowercase hexadecimal digits; nil for anything else and for the invalid id.
    public init?(hex: some StringProtocol) {
        var bytes = HexReader(hex.utf8)
        guard hex.utf8.count == 16, let value = bytes.word(), value != 0 else { return nil }
        self.init(value)
    }

    /// 16 lowercase hexadecimal digits.
    public var hex: String { Hex.text(value) }
}

extension TraceID: CustomStringConvertible {
    public var description: String { hex }
}

extension SpanID: CustomStringConvertible {
    public var description: String { hex }
}

/// Lowercase hexadecimal digits, as the W3C headers and OTLP/JSON have them.
enum Hex {
    static func text(_ words: UInt64...) -> String {
        String(unsafeUninitializedCapacity: words.count * 16) { output in
            var writer = HexWriter(output)
            for word in words { writer.write(word: word) }
            return writer.count
        }
    }

    static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }

    /// Uppercase digits are nil: both headers forbid them (section 3.2.2).
    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - 87
        default: nil
        }
    }
}

/// Writes words and bytes as hexadecimal text into memory that has room for it.
struct HexWriter {
    private let output: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(_ output: UnsafeMutableBufferPointer<UInt8>) { self.output = output }

    mutating func write(word: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            write(byte: UInt8(truncatingIfNeeded: word >> shift))
        }
    }

    mutating func write(byte: UInt8) {
        write(character: Hex.digit(byte >> 4))
        write(character: Hex.digit(byte & 15))
    }

    /// One character as it is.
    mutating func write(character: UInt8) {
        output[count] = character
        count += 1
    }
}

/// Takes words and bytes off the front of hexadecimal text.
struct HexReader<Bytes: Sequence> where Bytes.Element == UInt8 {
    private var digits: Bytes.Iterator

    init(_ bytes: Bytes) { digits = bytes.makeIterator() }

    /// The next 16 digits, or nil when one is missing or not lowercase hexadecimal.
    mutating func word() -> UInt64? {
        var word: UInt64 = 0
        for _ in 0..<8 {
            guard let byte = byte() else { return nil }
            word = word << 8 | UInt64(byte)
        }
        return word
    }

    /// The next two digits.
    mutating func byte() -> UInt8? {
        guard let high = digits.next().flatMap(Hex.value), let low = digits.next().flatMap(Hex.value)
        else { return nil }
        return high << 4 | low
    }
}
