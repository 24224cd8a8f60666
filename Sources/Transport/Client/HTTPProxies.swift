// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Which targets are reached through which proxy, in the way that most programs read the environment.
///
/// `http_proxy`, `https_proxy` and `all_proxy` name a proxy by the target's scheme, `no_proxy` exceptions; each also in
/// capitals, where the lower case wins. There is no standard; this follows curl and Go where they agree.
public struct HTTPProxies: Sendable, Hashable {
    public var http: HTTPProxy?
    public var https: HTTPProxy?
    var exceptions: [Exception] = []

    public static let none = HTTPProxies()

    public init(http: HTTPProxy? = nil, https: HTTPProxy? = nil) {
        self.http = http
        self.https = https
    }

    /// - Parameter environment: such as the process's. `HTTP_PROXY` in capitals is ignored in a CGI program, where a
    ///   client's `Proxy` field would set it (CVE-2016-5385).
    /// - Throws: `.proxy` with the variable's name.
    public init(environment: [String: String]) throws(HTTPClientError) {
        func value(_ name: String) -> (String, String)? {
            for name in [name, name.uppercased()] {
                if name == "HTTP_PROXY", environment["REQUEST_METHOD"] != nil { continue }
                if let value = environment[name], !value.isEmpty { return (name, value) }
            }
            return nil
        }
        func proxy(_ name: String) throws(HTTPClientError) -> HTTPProxy? {
            guard let (name, url) = value(name) ?? value("all_proxy") else { return nil }
            do throws(HTTPClientError) {
                return try HTTPProxy(url)
            } catch .proxy(let reason) {
                throw .proxy("\(name): \(reason)")
            } catch {
                throw error
            }
        }
        http = try proxy("http_proxy")
        https = try proxy("https_proxy")
        exceptions = (value("no_proxy")?.1 ?? "").split { $0 == "," || $0 == " " }.compactMap(Exception.init)
    }

    /// The proxy for a target, or nil to go there directly.
    public func proxy(for target: HTTPTarget) -> HTTPProxy? {
        guard let proxy = target.scheme == .https ? https : http else { return nil }
        return exceptions.contains { $0.matches(target) } ? nil : proxy
    }

    /// One entry of `no_proxy`.
    struct Exception: Sendable, Hashable {
        enum Place: Sendable, Hashable {
            case everything
            /// The name itself and all below it; a leading dot changes nothing.
            case domain(String)
            case network([UInt8], prefix: Int)
        }

        var place: Place
        /// Nil: every port.
        var port: Int?

        /// `*`, `NAME`, `.NAME`, `ADDRESS` or `NETWORK/BITS`, each but the last with `:PORT` if wanted. Anything else
        /// is ignored, as everywhere.
        init?(_ text: Substring) {
            if text == "*" {
                place = .everything
                return
            }
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            if parts.count == 2, let network = IPAddressBits(String(parts[0])), let bits = Int(parts[1]),
                (0...network.octets.count * 8).contains(bits)
            {
                place = .network(network.octets, prefix: bits)
                return
            }
            if let address = IPAddressBits(String(text)) {
                place = .network(address.octets, prefix: address.octets.count * 8)
                return
            }
            let entry = text.hasPrefix("*.") ? text.dropFirst(2) : text.hasPrefix(".") ? text.dropFirst() : text
            guard let (host, port) = try? HTTPTarget.split(entry) else { return nil }
            if let port {
                guard let number = try? HTTPTarget.number(of: port) else { return nil }
                self.port = number
            }
            place =
                IPAddressBits(host).map { .network($0.octets, prefix: $0.octets.count * 8) }
                ?? .domain(host.hasSuffix(".") ? String(host.dropLast()) : host)
        }

        func matches(_ target: HTTPTarget) -> Bool {
            if let port, port != target.port { return false }
            let host = target.host.hasSuffix(".") ? String(target.host.dropLast()) : target.host
            switch place {
            case .everything: return true
            case .domain(let name): return host == name || host.hasSuffix("." + name)
            case .network(let octets, let prefix):
                guard let address = IPAddressBits(String(host.prefix { $0 != "%" })) else { return false }
                return address.isIn(IPAddressBits(octets: octets), prefix: prefix)
            }
        }
    }
}
