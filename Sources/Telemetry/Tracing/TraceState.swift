// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The `tracestate` of a trace (W3C Trace Context, section 3.3): other vendors' words, passed on as they came.
///
/// Headwater writes no member of its own. Only the syntax is checked, because an invalid `tracestate` must be dropped
/// as a whole; an invalid one never affects the `traceparent` (section 4.3).
public struct TraceState: Hashable, Sendable {
    /// The header's value: members joined by commas, without blanks around them. Empty when there are none.
    public let text: String

    public static let empty = TraceState(checked: "")

    /// A vendor may send more than 512 characters, and we may drop what is longer than that (section 3.3.1.5); eight
    /// times as much is still no burden, and nobody's trace gets cut.
    static let maximumLength = 4096
    static let maximumMembers = 32

    public var isEmpty: Bool { text.isEmpty }

    private init(checked text: String) { self.text = text }

    /// Joins the values of all `tracestate` fields of a request, in their order; empty when any member is invalid.
    public init(headers: some Sequence<some StringProtocol>) {
        text = Self.members(headers)?.joined(separator: ",") ?? ""
    }

    private static func members(_ headers: some Sequence<some StringProtocol>) -> [Substring]? {
        var members: [Substring] = []
        var keys: Set<Substring> = []
        var length = 0
        for header in headers {
            for part in Substring(header).split(separator: ",", omittingEmptySubsequences: true) {
                let member = part.trimmingBlanks()
                // "Empty list members are allowed" (section 3.3.1.1).
                if member.isEmpty { continue }
                length += member.utf8.count + 1
                guard let equals = member.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
                let key = member[..<equals]
                let value = member[member.utf8.index(after: equals)...]
                guard Self.isKey(key), Self.isValue(value), keys.insert(key).inserted,
                    keys.count <= Self.maximumMembers, length <= Self.maximumLength
                else { return nil }
                members.append(member)
            }
        }
        return members
    }

    /// `lcalpha`, digits, `_-*/`, and one `@` between tenant and system (section 3.3.1.3.1).
    private static func isKey(_ key: Substring) -> Bool {
        let parts = key.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, parts.count <= 2, key.utf8.count <= 256,
            parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Self.isKeyByte) })
        else { return false }
        if parts.count == 1 { return first.first.map(Self.isLowercase) ?? false }
        return first.count <= 241 && last.count <= 14 && (last.first.map(Self.isLowercase) ?? false)
    }

    private static func isLowercase(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    /// 1 to 256 printable ASCII characters without comma and equals sign (section 3.3.1.3.2).
    private static func isValue(_ value: Substring) -> Bool {
        (1...256).contains(value.utf8.count)
            && value.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x2C && $0 != 0x3D }
    }
}

extension Substring {
    /// Without the optional white space that HTTP allows around list members (RFC 9110, section 5.6.3).
    func trimmingBlanks() -> Substring {
        var rest = self
        while let first = rest.utf8.first, first == 0x20 || first == 0x09 { rest = rest.dropFirst() }
        while let last = rest.utf8.last, last == 0x20 || last == 0x09 { rest = rest.dropLast() }
        return rest
    }
}
