// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The `baggage` header (W3C Baggage): names and values that callers send along, passed on as they came.
///
/// Nothing of it becomes an attribute or a label by itself: it comes from outside and may be anything.
public struct Baggage: Hashable, Sendable {
    /// One member: its name, its percent-decoded value, and its properties as they came.
    public struct Member: Hashable, Sendable {
        public let name: String
        public let value: String
        public let properties: String

        public init(name: String, value: String, properties: String = "") {
            self.name = name
            self.value = value
            self.properties = properties
        }
    }

    public let members: [Member]

    public static let empty = Baggage(members: [])

    /// What every implementation must be able to pass on (section 3.3.2); what exceeds it is dropped here.
    static let maximumMembers = 64
    static let maximumLength = 8192

    public init(members: [Member]) { self.members = members }

    public var isEmpty: Bool { members.isEmpty }

    /// Reads the values of all `baggage` fields of a request. A malformed member is dropped alone; of two with one
    /// name the last wins; what exceeds the limits is dropped from the end.
    public init(headers: some Sequence<some StringProtocol>) {
        var members: [Member] = []
        var length = 0
        for header in headers {
            for part in Substring(header).split(separator: ",") {
                length += part.utf8.count + 1
                guard length <= Self.maximumLength else { break }
                guard let member = Self.member(part) else { continue }
                if let earlier = members.firstIndex(where: { $0.name == member.name }) {
                    members[earlier] = member
                } else if members.count < Self.maximumMembers {
                    members.append(member)
                }
            }
        }
        self.members = members
    }

    /// The header's value; nil when there is nothing to send.
    public var text: String? {
        if members.isEmpty { return nil }
        return members.map { member in
            let properties = member.properties.isEmpty ? "" : ";" + member.properties
            return "\(member.name)=\(PercentCoding.encode(member.value))\(properties)"
        }.joined(separator: ",")
    }

    private static func member(_ text: Substring) -> Member? {
        let halves = text.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        guard let pair = halves.first, let equals = pair.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let name = pair[..<equals].trimmingBlanks()
        let value = pair[pair.utf8.index(after: equals)...].trimmingBlanks()
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte), value.utf8.allSatisfy(Self.isValueByte),
            let decoded = PercentCoding.decode(value)
        else { return nil }
        let properties = halves.count == 2 ? halves[1].trimmingBlanks() : ""
        guard properties.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) else { return nil }
        return Member(name: String(name), value: decoded, properties: String(properties))
    }

    /// `token` of RFC 9110, section 5.6.2.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// `baggage-octet`: printable ASCII without blank, quotes, comma, semicolon and backslash.
    static func isValueByte(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != 0x22 && byte != 0x2C && byte != 0x3B && byte != 0x5C
    }
}

/// Percent-coding as W3C Baggage and `OTEL_RESOURCE_ATTRIBUTES` use it.
enum PercentCoding {
    /// Every byte that a `baggage-octet` may not be, and the percent sign itself, as `%XX`.
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if Baggage.isValueByte(byte), byte != UInt8(ascii: "%") {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Nil when a percent sign is not followed by two digits; bytes that are no UTF-8 become U+FFFD.
    static func decode(_ text: some StringProtocol) -> String? {
        var output: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            guard let high = bytes.next().flatMap(Self.digit), let low = bytes.next().flatMap(Self.digit)
            else { return nil }
            output.append(high << 4 | low)
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? { Hex.value(byte >= 0x41 && byte <= 0x46 ? byte | 0x20 : byte) }
}
