// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Why a stream is not delivered as it is sent: the closed set that `probe diagnose` knows; docs/diagnosis.md has it.
public enum Cause: String, Encodable, Sendable, CaseIterable {
    // Held back whole or in blocks
    case nginxBuffering = "nginx_buffering"
    case nginxCompression = "nginx_compression"
    case varnishBuffering = "varnish_buffering"
    case varnishCompression = "varnish_compression"
    case trafficServerCompression = "traffic_server_compression"
    case akamaiBuffering = "akamai_buffering"
    case cloudflareBuffering = "cloudflare_buffering"
    case azureFrontDoorBuffering = "azure_front_door_buffering"
    case compression
    case buffering
    // Held for a moment
    case haproxyDelay = "haproxy_delay"
    case smallWritesHeld = "small_writes_held"
    // Cut at an age
    case envoyRouteTimeout = "envoy_route_timeout"
    case varnishSendTimeout = "varnish_send_timeout"
    case trafficServerActiveTimeout = "traffic_server_active_timeout"
    case maximumLife = "maximum_life"
    // Cut in silence
    case httpdTimeout = "httpd_timeout"
    case nginxReadTimeout = "nginx_read_timeout"
    case haproxyServerTimeout = "haproxy_server_timeout"
    case envoyIdleTimeout = "envoy_idle_timeout"
    case varnishBetweenBytesTimeout = "varnish_between_bytes_timeout"
    case trafficServerIdleTimeout = "traffic_server_idle_timeout"
    case caddyReadTimeout = "caddy_read_timeout"
    case nghttpxReadTimeout = "nghttpx_read_timeout"
    case idleTimeout = "idle_timeout"
    // Cut, altered, or no stream
    case cutInsideEvent = "cut_inside_event"
    case cutWithoutPattern = "cut_without_pattern"
    case httpdErrorInStream = "httpd_error_in_stream"
    case foreignContent = "foreign_content"
    case corruptCompression = "corrupt_compression"
    case unreadableStream = "unreadable_stream"
    case cached
    case eventsLost = "events_lost"
    case unreachable
    case tlsFailure = "tls_failure"
    case notHTTP = "not_http"
    case redirect
    case errorStatus = "error_status"
    case notEventStream = "not_event_stream"
}

extension Cause {
    /// One that was found, with what it was found by.
    public struct Found: Encodable, Sendable, Hashable {
        public let name: Cause
        public let intermediary: Intermediary?
        public let confidence: Confidence
        /// What happens.
        public let text: String
        /// What to change.
        public let setting: String
        /// What was seen, one sentence each.
        public let evidence: [String]

        init(_ cause: Cause, _ confidence: Confidence, _ evidence: [String]) {
            name = cause
            intermediary = cause.intermediary
            self.confidence = confidence
            text = cause.text
            setting = cause.setting
            self.evidence = evidence
        }
    }

    /// Whose doing it is.
    public var intermediary: Intermediary? {
        switch self {
        case .nginxBuffering, .nginxCompression, .nginxReadTimeout: .nginx
        case .varnishBuffering, .varnishCompression, .varnishSendTimeout, .varnishBetweenBytesTimeout: .varnish
        case .trafficServerCompression, .trafficServerActiveTimeout, .trafficServerIdleTimeout: .trafficServer
        case .akamaiBuffering: .akamai
        case .cloudflareBuffering: .cloudflare
        case .azureFrontDoorBuffering: .azureFrontDoor
        case .haproxyDelay, .haproxyServerTimeout: .haproxy
        case .envoyRouteTimeout, .envoyIdleTimeout: .envoy
        case .httpdTimeout, .httpdErrorInStream: .httpd
        case .caddyReadTimeout: .caddy
        case .nghttpxReadTimeout: .nghttpx
        case .compression, .buffering, .smallWritesHeld, .maximumLife, .idleTimeout, .cutInsideEvent,
            .cutWithoutPattern, .foreignContent, .corruptCompression, .unreadableStream, .cached, .eventsLost,
            .unreachable, .tlsFailure,
            .notHTTP, .redirect, .errorStatus, .notEventStream:
            nil
        }
    }
}
