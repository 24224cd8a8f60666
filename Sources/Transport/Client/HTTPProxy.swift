// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// A forward proxy that is reached by plain HTTP.
public struct HTTPProxy: Sendable, Hashable {
    public let host: String
    public let port: Int
    /// The value for Proxy-Authorization; never in descriptions.
    let authorization: String?

    /// - Parameter url: `http://[USER:PASSWORD@]HOST[:PORT]`, or without the scheme, as many write it. A port that is
    ///   left out is 80; curl takes 1080, others 3128, so say it.
    /// - Throws: `.proxy` for anything else, also for proxies that speak SOCKS or TLS, which are not supported.
    public init(_ url: String) throws(HTTPClientError) {
        var rest = url[...]
        if let range = rest.firstIndex(of: ":"), rest[range...].hasPrefix("://") {
            guard rest[..<range].lowercased() == "http" else {
                throw .proxy("\(rest[..<range]) proxies are not supported: use http://HOST:PORT")
            }
            rest = rest[rest.index(range, offsetBy: 3)...]
        }
        let authority = rest.prefix { $0 != "/" }
        let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        do throws(HTTPTargetError) {
            let (host, port) = try HTTPTarget.split(place)
            self.host = host
            self.port = try port.map { text throws(HTTPTargetError) in try HTTPTarget.number(of: text) } ?? 80
        } catch {
            throw .proxy("\(error)")
        }
        authorization = authority.lastIndex(of: "@").map { "Basic " + Base64.encoded(Self.decoded(authority[..<$0])) }
    }

    /// User information is percent-encoded (RFC 3986 section 3.2.1); Basic wants the octets (RFC 7617).
    private static func decoded(_ text: Substring) -> [UInt8] {
        let octets = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < octets.count {
            if octets[index] == UInt8(ascii: "%"), index + 2 < octets.count,
                let value = UInt8(String(decoding: octets[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                result.append(value)
                index += 3
            } else {
                result.append(octets[index])
                index += 1
            }
        }
        return result
    }
}

extension HTTPProxy: CustomStringConvertible {
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// RFC 4648 section 4; here so that Foundation is not needed for it.
private enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encoded(_ octets: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: octets.count, by: 3) {
            let group = octets[start..<min(start + 3, octets.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                let sextet = Int(bits >> UInt32(18 - 6 * place) & 0x3f)
                text.append(place <= group.count ? alphabet[sextet] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
