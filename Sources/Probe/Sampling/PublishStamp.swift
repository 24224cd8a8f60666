// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a publisher wrote into an event's data about itself: `"seq"` and `"ts"` as Headwater's measurement channels
/// have them, or other names on request. It looks for members of a JSON object without parsing all of it: an event of a
/// foreign server may be anything.
public struct PublishStamp: Sendable, Hashable {
    /// The member that holds the time: Unix seconds, milliseconds, microseconds or nanoseconds, told apart by size.
    public var timeField: String
    /// The member that holds the number.
    public var sequenceField: String

    public init(timeField: String = "ts", sequenceField: String = "seq") {
        self.timeField = timeField
        self.sequenceField = sequenceField
    }

    /// Unix nanoseconds. Whole seconds do not count: they cannot tell milliseconds.
    public func time(in data: String) -> Int64? {
        guard let text = Self.number(of: timeField, in: data) else { return nil }
        if let whole = Int64(text) {
            switch whole {
            case 1_000_000_000_000..<10_000_000_000_000: return whole * 1_000_000
            case 1_000_000_000_000_000..<10_000_000_000_000_000: return whole * 1_000
            case 1_000_000_000_000_000_000...: return whole
            default: return nil
            }
        }
        // Seconds with a fraction.
        guard let seconds = Double(text), (1e9..<9e9).contains(seconds) else { return nil }
        return Int64(seconds * 1e6) * 1_000
    }

    public func sequence(in data: String) -> Int64? {
        Self.number(of: sequenceField, in: data).flatMap { Int64($0) }
    }

    /// The text of a number after `"name":`, quoted or not. The first member of that name counts.
    static func number(of name: String, in data: String) -> Substring? {
        guard data.utf8.first == UInt8(ascii: "{") else { return nil }
        let bytes = data.utf8
        let name = name.utf8
        var index = bytes.startIndex
        while let quote = bytes[index...].firstIndex(of: UInt8(ascii: "\"")) {
            let start = bytes.index(after: quote)
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
            index = bytes.index(after: end)
            guard bytes[start..<end].elementsEqual(name) else { continue }
            var rest = bytes[index...].drop(while: isSpace)
            guard rest.first == UInt8(ascii: ":") else { continue }
            rest = rest.dropFirst().drop(while: isSpace)
            if rest.first == UInt8(ascii: "\"") { rest = rest.dropFirst() }
            let number = rest.prefix {
                (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
            return number.isEmpty ? nil : Substring(number)
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}
