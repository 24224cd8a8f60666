// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Characters that names, values and pseudo-header fields may have (RFC 9113 section 8.2.1 and RFC 9110 section 5).
///
/// Field names and values are attacker's input that ends up in logs, labels and proxies; what is let in here is what
/// the grammar allows, which is stricter than the minimum of section 8.2.1.
enum HTTP2FieldSyntax {
    /// tchar of RFC 9110 section 5.6.2 as two bit maps: characters 0x00 to 0x3f, and 0x40 to 0x7f.
    private static let tokenLow: UInt64 = bits("!#$%&'*+-.0123456789", from: 0)
    private static let tokenHigh: UInt64 = bits("^_`abcdefghijklmnopqrstuvwxyz|~ABCDEFGHIJKLMNOPQRSTUVWXYZ", from: 64)
    private static let lowercaseHigh: UInt64 = bits("^_`abcdefghijklmnopqrstuvwxyz|~", from: 64)

    private static func bits(_ characters: String, from first: UInt8) -> UInt64 {
        characters.utf8.reduce(0) { $0 | 1 << UInt64($1 - first) }
    }

    /// A field name: a token without uppercase letters.
    static func isName(_ name: String) -> Bool {
        let low = tokenLow
        let high = lowercaseHigh
        return !name.utf8.isEmpty && name.allBytes { isMember($0, low, high) }
    }

    /// A token in any case, such as a method.
    static func isToken(_ text: String) -> Bool {
        let low = tokenLow
        let high = tokenHigh
        return !text.utf8.isEmpty && text.allBytes { isMember($0, low, high) }
    }

    @inline(__always)
    private static func isMember(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
        byte < 0x80 && (byte < 0x40 ? low : high) >> UInt64(byte & 0x3f) & 1 == 1
    }

    /// A field value: no control characters but HTAB inside, no white space at either end.
    static func isValue(_ value: String) -> Bool {
        value.withBytes { bytes in
            guard let first = bytes.first, let last = bytes.last else { return true }
            return !isBlank(first) && !isBlank(last) && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09
    }

    /// RFC 3986 section 3.1.
    static func isScheme(_ scheme: String) -> Bool {
        guard let first = scheme.utf8.first, isLetter(first) else { return false }
        return scheme.allBytes {
            isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "+")
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// RFC 9113 section 8.3.1: absolute, or `*` for OPTIONS. Octets above 0x7f are not in the grammar of RFC 3986, but
    /// curl and others send them; the router decides.
    static func isPath(_ path: String, method: String) -> Bool {
        if path == "*" { return method == "OPTIONS" }
        return path.utf8.first == UInt8(ascii: "/") && path.allBytes { $0 > 0x20 && $0 != 0x7f }
    }

    /// No white space, nothing that would end the authority in a URI, and no user information.
    static func isAuthority(_ authority: String) -> Bool {
        authority.allBytes {
            $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "@") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?")
                && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\")
        }
    }

    /// RFC 9110 section 8.6: digits only. `nil` when it is none or too large.
    static func contentLength(_ value: String) -> Int64? {
        guard !value.isEmpty, value.allBytes(satisfy: { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int64(value)
    }
}
