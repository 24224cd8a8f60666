// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One member of a header such as `Accept` or `Accept-Encoding`: a value, parameters, and a weight.
///
/// Only what the negotiation needs of RFC 9110, sections 5.6 and 12.4.2. Members that are malformed are left out, the
/// others count; headers beyond the bounds count as absent.
struct WeightedValue {
    /// In lower case.
    let value: String
    /// Names in lower case.
    let parameters: [(name: String, value: String)]
    /// The `q` parameter in thousandths.
    let weight: Int

    /// Prometheus sends some 300 bytes and browsers less; more is not worth the time.
    static let lengthLimit = 8 * 1024
    static let memberLimit = 64

    static func parse(_ lines: [String]) -> [WeightedValue] {
        guard lines.reduce(0, { $0 + $1.utf8.count }) <= lengthLimit else { return [] }
        let members = lines.flatMap { split($0.utf8, at: UInt8(ascii: ",")) }
        guard members.count <= memberLimit else { return [] }
        return members.compactMap(WeightedValue.init)
    }

    private init?(_ member: Substring.UTF8View) {
        let parts = Self.split(member, at: UInt8(ascii: ";"))
        guard let first = parts.first, let value = Self.trimmed(first), Self.isValue(value) else { return nil }
        var parameters: [(name: String, value: String)] = []
        var weight = 1000
        for part in parts.dropFirst() {
            // RFC 9110, section 5.6.6: empty parameters are allowed.
            guard let text = Self.trimmed(part) else { continue }
            guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = text[..<equals].lowercased()
            guard let value = Self.unquoted(text[text.utf8.index(after: equals)...]) else { return nil }
            if name == "q" {
                guard let thousandths = Self.thousandths(value) else { return nil }
                weight = thousandths
            } else {
                parameters.append((name, value))
            }
        }
        self.value = value.lowercased()
        self.parameters = parameters
        self.weight = weight
    }

    /// Splits outside of quoted strings.
    private static func split<Bytes: BidirectionalCollection<UInt8>>(
        _ bytes: Bytes,
        at separator: UInt8
    ) -> [Substring.UTF8View] where Bytes.SubSequence == Substring.UTF8View {
        var parts: [Substring.UTF8View] = []
        var start = bytes.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in bytes.indices {
            let byte = bytes[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted && byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == separator && !isQuoted {
                parts.append(bytes[start..<index])
                start = bytes.index(after: index)
            }
        }
        parts.append(bytes[start...])
        return parts
    }

    /// The text without blanks around it, or `nil` if nothing is left.
    private static func trimmed(_ bytes: Substring.UTF8View) -> Substring? {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var bytes = bytes.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes.isEmpty ? nil : Substring(bytes)
    }

    /// A token (section 5.6.2), or two with a slash between them.
    private static func isValue(_ text: Substring) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 2
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { $0.isNameCharacter || "!#$%&'*+-.^`|~".utf8.contains($0) }
            }
    }

    /// A token as it is, the inside of a quoted string without its escapes; `nil` if the quotes do not match.
    private static func unquoted(_ text: Substring) -> String? {
        guard text.hasPrefix("\"") else { return text.contains("\"") ? nil : String(text) }
        guard text.utf8.count >= 2, text.hasSuffix("\"") else { return nil }
        var value = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if character == "\\" && !isEscaped {
                isEscaped = true
            } else {
                value.append(character)
                isEscaped = false
            }
        }
        return isEscaped ? nil : value
    }

    /// `0`, `1`, `0.123`, `1.000` (section 12.4.2) in thousandths.
    private static func thousandths(_ text: String) -> Int? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, whole == "0" || whole == "1" else { return nil }
        let decimals = parts.count > 1 ? parts[1] : ""
        guard decimals.utf8.count <= 3, decimals.utf8.allSatisfy(\.isDigit) else { return nil }
        let fraction = Int(decimals + String(repeating: "0", count: 3 - decimals.utf8.count)) ?? 0
        let weight = (whole == "1" ? 1000 : 0) + fraction
        return weight <= 1000 ? weight : nil
    }
}
