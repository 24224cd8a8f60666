// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Writes JSON (RFC 8259) front to back, with the commas and the escapes. It reads nothing and checks no schema.
struct JSONText {
    private(set) var text = ""
    private var needsComma = false

    mutating func object(_ name: StaticString? = nil, _ body: (inout JSONText) -> Void) {
        nest(name, "{", "}", body)
    }

    mutating func array(_ name: StaticString? = nil, _ body: (inout JSONText) -> Void) {
        nest(name, "[", "]", body)
    }

    mutating func member(_ name: StaticString, _ value: String) {
        begin(name)
        string(value)
        needsComma = true
    }

    mutating func member(_ name: StaticString, number value: Int) {
        begin(name)
        text += "\(value)"
        needsComma = true
    }

    /// What JSON has no number for is a string, as protobuf's JSON mapping says.
    mutating func member(_ name: StaticString, number value: Double) {
        begin(name)
        if value.isFinite {
            text += "\(value)"
        } else {
            text += value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
        }
        needsComma = true
    }

    mutating func member(_ name: StaticString, _ value: Bool) {
        begin(name)
        text += value ? "true" : "false"
        needsComma = true
    }

    private mutating func nest(
        _ name: StaticString?, _ open: String, _ close: String, _ body: (inout JSONText) -> Void
    ) {
        begin(name)
        text += open
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }

    private mutating func begin(_ name: StaticString?) {
        if needsComma { text += "," }
        if let name { text += "\"\(name)\":" }
    }

    /// Control characters must be escaped; U+2028 and U+2029 are, because scripts once read them as line ends.
    private mutating func string(_ value: String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || (0x2028...0x2029).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
