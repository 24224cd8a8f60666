// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The proxy's answer to CONNECT (RFC 9110 section 9.3.6), read by hand: what follows its head is not HTTP/1.1 any
/// more, and no decoder may touch it. A pure state machine.
struct TunnelNegotiation {
    /// Of the answer's head; a proxy that refuses may send a page after it, which nobody reads.
    static let headLimit = 16_384

    private var head: [UInt8] = []

    enum Progress: Equatable {
        case needsMore
        /// The tunnel is open; these bytes came through it already.
        case open(rest: [UInt8])
        case refused(status: Int)
        case notHTTP(firstBytes: [UInt8])
        case tooLarge
    }

    static func request(to target: HTTPTarget, through proxy: HTTPProxy) -> String {
        let authority = target.authorityWithPort
        let authorization = proxy.authorization.map { "Proxy-Authorization: \($0)\r\n" } ?? ""
        return "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n\(authorization)\r\n"
    }

    mutating func received(_ bytes: some Sequence<UInt8>) -> Progress {
        head += bytes
        while true {
            let start = Array("HTTP/1.".utf8)
            guard head.prefix(start.count).elementsEqual(start.prefix(head.count)) else {
                return .notHTTP(firstBytes: Array(head.prefix(Printable.limit)))
            }
            guard let end = Self.endOfHead(head) else {
                return head.count > Self.headLimit ? .tooLarge : .needsMore
            }
            guard let status = Self.status(of: head) else {
                return .notHTTP(firstBytes: Array(head.prefix(Printable.limit)))
            }
            let rest = Array(head[end...])
            switch status {
            case 100..<200:
                // Informational: the answer is still to come.
                guard end <= Self.headLimit else { return .tooLarge }
                head = rest
            case 200..<300: return .open(rest: rest)
            default: return .refused(status: status)
            }
        }
    }

    /// The place behind the empty line; bare line feeds are taken too (RFC 9112 section 2.2).
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        var lineIsEmpty = false
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "\n"):
                if lineIsEmpty { return index + 1 }
                lineIsEmpty = true
            case UInt8(ascii: "\r"): break
            default: lineIsEmpty = false
            }
        }
        return nil
    }

    /// `HTTP/1.1 200 …`: three digits after the first space.
    private static func status(of bytes: [UInt8]) -> Int? {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard parts.count >= 2, parts[1].count == 3 else { return nil }
        return Int(String(decoding: parts[1], as: UTF8.self)).flatMap { (100...999).contains($0) ? $0 : nil }
    }
}
