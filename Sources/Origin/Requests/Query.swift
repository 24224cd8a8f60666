// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The query of a request target, as `application/x-www-form-urlencoded` (URL Standard, section 5.1).

/// Names and values in the order in which they came.
struct Query: Equatable {
    private let pairs: [(name: String, value: String)]

    init(_ text: String?) {
        self.pairs = (text ?? "").split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                PercentEncoding.decode(parts[0], plusIsSpace: true),
                parts.count > 1 ? PercentEncoding.decode(parts[1], plusIsSpace: true) : ""
            )
        }
    }

    func first(_ name: String) -> String? { self.pairs.first { $0.name == name }?.value }
    func all(_ name: String) -> [String] { self.pairs.filter { $0.name == name }.map(\.value) }

    static func == (left: Query, right: Query) -> Bool {
        left.pairs.elementsEqual(right.pairs) { $0 == $1 }
    }
}

enum PercentEncoding {
    /// Decodes `%XX`; a `%` without two hexadecimal digits stays as it is, and bytes that are no UTF-8 become U+FFFD.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "%")) || (plusIsSpace && bytes.contains(UInt8(ascii: "+"))) else {
            return String(text)
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count, let high = self.digit(bytes[index + 1]),
                let low = self.digit(bytes[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
