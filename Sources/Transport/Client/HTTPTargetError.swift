// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Why a text is no URL that a request can go to.
public enum HTTPTargetError: Error, Sendable, Hashable {
    case noScheme(String)
    case unknownScheme(String)
    /// Spaces, control characters, or characters beyond ASCII.
    case illegalCharacter(String)
    /// User information before the host; RFC 9110 section 4.2.4 has recipients treat it as an error.
    case credentials
    case noHost
    case badHost(String)
    case badPort(String)
}

extension HTTPTargetError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noScheme(let url): "\(url) is no URL: write it with http:// or https:// in front"
        case .unknownScheme(let scheme): "\(scheme) is not served here: use http or https"
        case .illegalCharacter(let url):
            "\(url) holds spaces or characters beyond ASCII: percent-encode them, and write the host as xn--…"
        case .credentials: "a URL with user and password is not accepted: send an Authorization field instead"
        case .noHost: "the URL names no host: write http://HOST/PATH"
        case .badHost(let host): "\(host) is neither a host name nor an address; IPv6 addresses stand in brackets"
        case .badPort(let port): "\(port) is no port: use 1 to 65535"
        }
    }
}
