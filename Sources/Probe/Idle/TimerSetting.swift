// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One timer of an intermediary, by the name under which its operator finds it. The values are the defaults of the
/// versions in docs/diagnosis.md; those of managed edges are from their documentation.
public struct TimerSetting: Encodable, Sendable, Hashable {
    public enum Kind: Sendable {
        case idle, lifetime
    }

    public let hop: String
    public let setting: String
    /// Nil: none by default.
    public let defaultSeconds: Double?

    private init(_ hop: Intermediary, _ setting: String, _ defaultSeconds: Double?) {
        self.hop = hop.displayName
        self.setting = setting
        self.defaultSeconds = defaultSeconds
    }

    /// The settings that can be behind a timer: of the hops that the response names; failing those, of the hops whose
    /// default or manner of ending it is.
    static func candidates(_ kind: Kind, seconds: Double?, hops: [Intermediary], cuts: Set<StreamCut>) -> [TimerSetting]
    {
        if cuts.contains(.page) { return of(.httpd, kind) }
        if cuts.contains(where: isTimeUp) { return of(.httpd, kind) }
        let named = hops.flatMap { of($0, kind) }
        guard named.isEmpty else { return named }
        guard hops.isEmpty else { return [] }
        guard let seconds else { return [] }
        // Those that leave no trace in a response come first.
        let hidden = [Intermediary.haproxy, .awsLoadBalancer, .akamai]
        let all = (hidden + Intermediary.allCases.filter { !hidden.contains($0) }).flatMap { of($0, kind) }
        // HAProxy has no defaults of its own, but is always given some.
        return all.filter { setting in
            setting.hop == Intermediary.haproxy.displayName
                || setting.defaultSeconds.map { abs($0 - seconds) <= max(1.3, $0 * 0.03) } ?? false
        }
    }

    /// GOAWAY with APR_TIMEUP, which httpd alone sends.
    private static func isTimeUp(_ cut: StreamCut) -> Bool {
        if case .goAway(let code) = cut { code.rawValue == 70_007 } else { false }
    }

    static func of(_ hop: Intermediary, _ kind: Kind) -> [TimerSetting] {
        let settings: [(String, Double?)] =
            switch (hop, kind) {
            case (.nginx, .idle): [("proxy_read_timeout", 60)]
            case (.haproxy, .idle): [("timeout server", nil)]
            case (.envoy, .idle): [("stream_idle_timeout", 300), ("idle_timeout of the route", nil)]
            case (.envoy, .lifetime): [("timeout of the route", 15), ("max_stream_duration", nil)]
            case (.varnish, .idle): [("between_bytes_timeout", 60), ("pipe_timeout", 60)]
            case (.varnish, .lifetime): [("send_timeout", 600)]
            case (.trafficServer, .idle):
                [
                    ("proxy.config.http.transaction_no_activity_timeout_out", 30),
                    ("proxy.config.http.transaction_no_activity_timeout_in", 30),
                ]
            case (.trafficServer, .lifetime):
                [
                    ("proxy.config.http.transaction_active_timeout_in", 900),
                    ("proxy.config.http.transaction_active_timeout_out", nil),
                ]
            case (.httpd, .idle): [("timeout= of ProxyPass, else ProxyTimeout, else Timeout", 60)]
            case (.nghttpx, .idle): [("backend-read-timeout", 60), ("frontend-http2-idle-timeout", nil)]
            case (.caddy, .idle): [("read_timeout of the transport", nil)]
            case (.caddy, .lifetime): [("stream_timeout of reverse_proxy", nil), ("write_timeout of the server", nil)]
            case (.akamai, .idle): [("read timeout of the property", 120)]
            case (.cloudflare, .idle): [("proxy read timeout of the plan", 125), ("the same, older plans", 100)]
            case (.fastly, .idle): [("between_bytes_timeout of the backend", 10)]
            case (.cloudFront, .idle): [("origin response timeout", 30)]
            case (.awsLoadBalancer, .idle): [("idle_timeout.timeout_seconds", 60)]
            case (.googleFrontEnd, .lifetime): [("timeout of the backend service", 30)]
            default: []
            }
        return settings.map { TimerSetting(hop, $0.0, $0.1) }
    }
}

extension TimerSetting: CustomStringConvertible {
    public var description: String {
        "\(hop): \(setting)\(defaultSeconds.map { " (default \(TextStyle.number($0)) s)" } ?? "")"
    }
}
