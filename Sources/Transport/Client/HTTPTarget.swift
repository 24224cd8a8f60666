// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Where a request goes: an `http` or `https` URL taken apart (RFC 9110 section 4.2, RFC 3986).
public struct HTTPTarget: Sendable, Hashable {
    public enum Scheme: String, Sendable, CaseIterable {
        case http
        case https

        /// RFC 9110 sections 4.2.1 and 4.2.2.
        public var defaultPort: Int {
            switch self {
            case .http: 80
            case .https: 443
            }
        }
    }

    public let scheme: Scheme
    /// A name in lower case or an address, IPv6 without its brackets, with its zone if one was given.
    public let host: String
    public let port: Int
    /// Path and query as they stand in the URL, percent-encoding and all; `/` at least.
    public let path: String

    /// - Parameter url: `http://` or `https://`, host, optional port, optional path and query. A fragment is dropped:
    ///   it never leaves the client.
    public init(_ url: String) throws(HTTPTargetError) {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw .illegalCharacter(url) }
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { throw .noScheme(url) }
        guard let scheme = Scheme(rawValue: url[..<colon].lowercased()) else {
            throw .unknownScheme(String(url[..<colon]))
        }
        let rest = url[url.index(colon, offsetBy: 3)...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw .credentials }
        let (host, port) = try Self.split(authority)
        let path = rest[authority.endIndex...]
        self.scheme = scheme
        self.host = host
        self.port = try port.map { text throws(HTTPTargetError) in try Self.number(of: text) } ?? scheme.defaultPort
        self.path = path.hasPrefix("/") ? String(path) : "/" + path
    }

    private init(scheme: Scheme, host: String, port: Int, path: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
    }

    /// The same server, another path.
    public func with(path: String) -> HTTPTarget {
        HTTPTarget(scheme: scheme, host: host, port: port, path: path)
    }

    /// For Host and `:authority`: without the default port and without an IPv6 zone, which means nothing to others
    /// (RFC 6874 section 4).
    public var authority: String {
        let name = bracketed(String(host.prefix { $0 != "%" }))
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    /// For CONNECT, which needs the port always (RFC 9110 section 9.3.6).
    var authorityWithPort: String {
        "\(bracketed(String(host.prefix { $0 != "%" }))):\(port)"
    }

    private func bracketed(_ host: String) -> String {
        host.contains(":") ? "[\(host)]" : host
    }
}

extension HTTPTarget: CustomStringConvertible {
    public var description: String { "\(scheme.rawValue)://\(authority)\(path)" }
}

extension HTTPTarget {
    /// Host and port of an authority without user information.
    static func split(_ authority: Substring) throws(HTTPTargetError) -> (host: String, port: Substring?) {
        guard authority.hasPrefix("[") else {
            let host = authority.prefix { $0 != ":" }
            let port = authority[host.endIndex...].dropFirst()
            // An IPv6 address without its brackets.
            guard !port.contains(":") else { throw .badHost(String(authority)) }
            guard !host.isEmpty else { throw .noHost }
            guard host.utf8.allSatisfy(isNameOctet), host.utf8.count <= 253 else { throw .badHost(String(host)) }
            return (host.lowercased(), port.isEmpty ? nil : port)
        }
        guard let end = authority.firstIndex(of: "]") else { throw .badHost(String(authority)) }
        let inside = authority[authority.index(after: authority.startIndex)..<end]
        let address = inside.prefix { $0 != "%" }
        guard IPAddressBits(String(address))?.isIPv6 == true else { throw .badHost(String(authority)) }
        var host = address.lowercased()
        let zone = inside[address.endIndex...]
        if !zone.isEmpty {
            // RFC 6874: the percent sign of a zone is itself percent-encoded; a bare one is common all the same.
            let name = zone.hasPrefix("%25") ? zone.dropFirst(3) : zone.dropFirst()
            guard !name.isEmpty, name.utf8.allSatisfy(isNameOctet) else { throw .badHost(String(authority)) }
            host += "%" + name
        }
        let after = authority[authority.index(after: end)...]
        guard after.isEmpty || after.hasPrefix(":") else { throw .badHost(String(authority)) }
        let port = after.dropFirst()
        return (host, port.isEmpty ? nil : port)
    }

    static func number(of port: Substring) throws(HTTPTargetError) -> Int {
        guard port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(port),
            (1...65_535).contains(number)
        else { throw .badPort(String(port)) }
        return number
    }

    /// Letters, digits, and what else occurs in names on real networks. RFC 3986 would allow percent-encoding too,
    /// which no resolver understands.
    private static func isNameOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default:
            false
        }
    }
}
