// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What a channel is called, and which event loop is its home.

import Transport

/// Names a channel in this process.
enum ChannelKey: Sendable, Hashable {
    case named(ChannelName)
    /// A measurement channel: the parameters are its name, so that equal requests share one.
    case synthetic(SyntheticParameters)

    var text: String {
        switch self {
        case .named(let name): name.text
        case .synthetic(let parameters): parameters.text
        }
    }

    /// The loop that numbers the channel's events. Stable within the process, the same wherever it is computed.
    func home(among loops: Int) -> Int {
        // FNV-1a: Swift's own hash differs between processes, which would make two runs incomparable.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in self.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(hash % UInt64(max(1, loops)))
    }
}

/// A user's channel name: 1 to 128 of `A-Z a-z 0-9 . _ ~ : @ -`, starting with a letter or digit. What needs no
/// escaping in a URL's path, so that a name looks the same everywhere.
struct ChannelName: Sendable, Hashable {
    let text: String

    static let rule = "1 to 128 of the characters A-Z a-z 0-9 . _ ~ : @ -, starting with a letter or a digit"

    init?(_ text: String) {
        guard 1...128 ~= text.utf8.count, let first = text.utf8.first, Self.isAlphanumeric(first),
            text.utf8.allSatisfy({ Self.isAlphanumeric($0) || Self.marks.contains($0) })
        else { return nil }
        self.text = text
    }

    private static let marks = Set("._~:@-".utf8)

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
