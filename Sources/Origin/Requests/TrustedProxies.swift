// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Which addresses may say who the client is.

import NIOCore

/// A range of IP addresses in CIDR notation (RFC 4632; RFC 4291, section 2.3).
public struct AddressRange: Sendable, Hashable {
    private let bytes: [UInt8]
    private let prefixLength: Int

    /// For example `10.0.0.0/8`, `2001:db8::/32`, or one address alone. `nil` if it is none of these.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let bytes = Self.bytes(of: String(parts[0])) else { return nil }
        let longest = bytes.count * 8
        guard let length = parts.count == 2 ? Int(parts[1]) : longest, 0...longest ~= length else { return nil }
        self.bytes = bytes
        self.prefixLength = length
    }

    func contains(_ address: String) -> Bool {
        guard let other = Self.bytes(of: address), other.count == self.bytes.count else { return false }
        let whole = self.prefixLength / 8
        guard self.bytes.prefix(whole).elementsEqual(other.prefix(whole)) else { return false }
        let rest = self.prefixLength % 8
        return rest == 0 || (self.bytes[whole] ^ other[whole]) >> (8 - rest) == 0
    }

    /// Network byte order; an IPv4 address mapped into IPv6 counts as IPv4.
    static func bytes(of address: String) -> [UInt8]? {
        guard let parsed = try? SocketAddress(ipAddress: address, port: 0) else { return nil }
        switch parsed {
        case .v4(let v4):
            var raw = v4.address.sin_addr
            return withUnsafeBytes(of: &raw) { Array($0) }
        case .v6(let v6):
            var raw = v6.address.sin6_addr
            let bytes = withUnsafeBytes(of: &raw) { Array($0) }
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return isMapped ? Array(bytes[12...]) : bytes
        case .unixDomainSocket: return nil
        }
    }

    /// 127.0.0.0/8 or ::1.
    static func isLoopback(_ address: String) -> Bool {
        guard let bytes = self.bytes(of: address) else { return false }
        return bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }
}
