// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How a target is reached.
enum HTTPClientRoute: Sendable {
    case direct
    /// Plain `http` goes through the proxy as requests in absolute form.
    case forward(HTTPProxy)
    /// Everything else goes through a tunnel made by CONNECT.
    case tunnel(HTTPProxy)

    init(to target: HTTPTarget, configuration: HTTPClientConfiguration) {
        guard let proxy = configuration.proxies.proxy(for: target) else {
            self = .direct
            return
        }
        self = target.scheme == .http && configuration.protocols != .http2 ? .forward(proxy) : .tunnel(proxy)
    }

    var proxy: HTTPProxy? {
        switch self {
        case .direct: nil
        case .forward(let proxy), .tunnel(let proxy): proxy
        }
    }
}
