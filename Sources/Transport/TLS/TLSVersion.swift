// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The TLS versions Headwater speaks. Older ones are deprecated by RFC 8996 and cannot be asked for.
public enum TLSVersion: String, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    case tls12 = "TLSv1.2"
    case tls13 = "TLSv1.3"

    /// The number on the wire, RFC 8446 section 4.2.1.
    var wireNumber: Int32 {
        switch self {
        case .tls12: 0x0303
        case .tls13: 0x0304
        }
    }

    init?(wireNumber: Int32) {
        guard let version = Self.allCases.first(where: { $0.wireNumber == wireNumber }) else { return nil }
        self = version
    }

    public static func < (left: Self, right: Self) -> Bool {
        left.wireNumber < right.wireNumber
    }

    public var description: String { rawValue }
}
