// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Who the client is when trusted intermediaries stand before us: `Forwarded` (RFC 7239) or `X-Forwarded-For`, read
// from the right for as long as the speaker is trusted. What an untrusted peer says is ignored.

import NIOHTTP1

enum ClientAddress {
    /// How many addresses of a chain are looked at: a longer one is not an honest chain.
    private static let longestChain = 32

    static func resolve(peer: String, headers: HTTPHeaders, trusted: [AddressRange]) -> String {
        guard !trusted.isEmpty, trusted.contains(where: { $0.contains(peer) }) else { return peer }
        let chain =
            headers.contains(name: "forwarded")
            ? self.forwarded(headers["forwarded"]) : self.list(headers["x-forwarded-for"])
        var client = peer
        for hop in chain.suffix(self.longestChain).reversed() {
            // An obfuscated or unknown hop (RFC 7239, section 6) ends what can be known.
            guard AddressRange.bytes(of: hop) != nil else { break }
            client = hop
            guard trusted.contains(where: { $0.contains(hop) }) else { break }
        }
        return client
    }

    private static func list(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",") }.map { self.withoutPort(self.trim($0)) }
    }

    /// The `for` parameter of every element, in order.
    private static func forwarded(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",") }.map { element in
            let node = element.split(separator: ";").map { self.trim($0) }
                .first { $0.lowercased().hasPrefix("for=") }?.dropFirst(4)
            return self.withoutPort((node ?? "unknown").filter { $0 != "\"" })
        }
    }

    /// `192.0.2.1:80`, `[2001:db8::1]:80` and `[2001:db8::1]` name an address too.
    private static func withoutPort(_ node: String) -> String {
        if node.hasPrefix("["), let end = node.firstIndex(of: "]") {
            return String(node[node.index(after: node.startIndex)..<end])
        }
        let parts = node.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 ? String(parts[0]) : node
    }

    private static func trim(_ text: Substring) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
