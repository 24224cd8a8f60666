// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A name for the way a stream takes to its client, for people who compare ways.

import NIOHTTP1
import Transport

enum DeliveryPath {
    /// No intermediary shows.
    static let direct = "direct"

    /// What the client calls its way (`?path=`), or what the request shows: `via-` and the first pseudonym of `Via`
    /// (RFC 9110, section 7.6.3), `forwarded` if only a forwarding field is there, else `direct`.
    static func name(of head: RequestHead, label: String?) -> String {
        if let label, let name = self.token(label) { return name }
        if let via = head.headers.first(name: "via"), let hop = via.split(separator: ",").first {
            // "1.1 varnish (Varnish/7.1)": the second word names the hop.
            let words = hop.split(separator: " ")
            if words.count > 1, let name = self.token(words[1]) { return "via-\(name)" }
        }
        let isForwarded = head.headers.contains(name: "forwarded") || head.headers.contains(name: "x-forwarded-for")
        return isForwarded ? "forwarded" : self.direct
    }

    /// Up to 64 characters that are safe in a header, a log line and a JSON string.
    static func token(_ text: some StringProtocol) -> String? {
        let isSafe = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: ":"):
                true
            default: false
            }
        }
        return isSafe && 1...64 ~= text.utf8.count ? String(text) : nil
    }
}
