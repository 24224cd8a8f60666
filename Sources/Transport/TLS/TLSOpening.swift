// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// The first bytes that a peer ever sent: enough to tell, when they turn out not to be TLS, what they are.
struct TLSOpening {
    enum Kind {
        /// A handshake record, as every TLS connection begins.
        case tls
        /// A method of HTTP, or the preface of HTTP/2: an upper-case word.
        case http
        case other
    }

    /// The first eight bytes at most, the first in the highest place.
    private var octets: UInt64 = 0
    private var count = 0

    mutating func note(_ bytes: ByteBuffer) {
        guard count < 8 else { return }
        for byte in bytes.readableBytesView.prefix(8 - count) {
            count += 1
            octets |= UInt64(byte) << (64 - 8 * UInt64(count))
        }
    }

    var kind: Kind {
        let seen = (0..<count).map { UInt8(truncatingIfNeeded: octets >> (56 - 8 * UInt64($0))) }
        guard let first = seen.first else { return .other }
        // RFC 8446 section 5.1: content type 22 is a handshake message.
        if first == 22 { return .tls }
        // A PROXY header (version 1) is upper case as well, and says something else: the port does not expect one.
        if seen.starts(with: "PROXY".utf8) { return .other }
        let word = seen.prefix { $0 != UInt8(ascii: " ") }
        return word.count >= 3 && word.allSatisfy { (0x41...0x5A).contains($0) } ? .http : .other
    }
}
