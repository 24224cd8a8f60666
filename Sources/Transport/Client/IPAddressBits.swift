// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An IP address as its bits, to compare it with networks. Not for connecting: zones are not kept.
struct IPAddressBits: Hashable {
    /// 4 or 16 octets.
    let octets: [UInt8]

    var isIPv6: Bool { octets.count == 16 }

    init(octets: [UInt8]) {
        self.octets = octets
    }

    /// - Returns: `nil` for anything but an address in text, as for names.
    init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            octets = withUnsafeBytes(of: &four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            octets = withUnsafeBytes(of: &six) { Array($0) }
        } else {
            return nil
        }
    }

    /// Whether the first `length` bits are those of `network`; never across the two families.
    func isIn(_ network: IPAddressBits, prefix length: Int) -> Bool {
        guard octets.count == network.octets.count, (0...octets.count * 8).contains(length) else { return false }
        let whole = length / 8
        guard octets.prefix(whole) == network.octets.prefix(whole) else { return false }
        let rest = length % 8
        guard rest > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xff00 >> rest)
        return octets[whole] & mask == network.octets[whole] & mask
    }
}
