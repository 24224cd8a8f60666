// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1

/// Software and services that stand between origins and clients, as far as their marks in a response head go.
public enum Intermediary: String, Encodable, Sendable, CaseIterable {
    case nginx, haproxy, envoy, varnish
    case trafficServer = "traffic_server"
    case httpd, caddy, nghttpx
    case akamai, cloudflare
    case cloudFront = "cloudfront"
    case fastly
    case azureFrontDoor = "azure_front_door"
    case googleFrontEnd = "google_front_end"
    case awsLoadBalancer = "aws_load_balancer"
    case traefik, squid, kong

    public var displayName: String {
        switch self {
        case .nginx: "nginx"
        case .haproxy: "HAProxy"
        case .envoy: "Envoy"
        case .varnish: "Varnish"
        case .trafficServer: "Apache Traffic Server"
        case .httpd: "Apache httpd"
        case .caddy: "Caddy"
        case .nghttpx: "nghttpx"
        case .akamai: "Akamai"
        case .cloudflare: "Cloudflare"
        case .cloudFront: "CloudFront"
        case .fastly: "Fastly"
        case .azureFrontDoor: "Azure Front Door"
        case .googleFrontEnd: "Google's front end"
        case .awsLoadBalancer: "AWS load balancer"
        case .traefik: "Traefik"
        case .squid: "Squid"
        case .kong: "Kong"
        }
    }

    /// Whether it collects responses as it comes, and must be told to let streams through.
    var buffersByDefault: Bool {
        switch self {
        case .nginx, .akamai, .azureFrontDoor: true
        default: false
        }
    }

    /// Where one was seen.
    public struct Sighting: Encodable, Sendable, Hashable {
        public let name: Intermediary
        /// The field that gave it away, `Server: envoy`, or the behaviour.
        public let evidence: String

        public init(_ name: Intermediary, evidence: String) {
            self.name = name
            self.evidence = evidence
        }
    }

    /// Everyone who left a mark, once each, in the order of the cases. `Server` alone may be the origin's own.
    public static func sightings(in headers: HTTPHeaders) -> [Sighting] {
        let seen = allCases.compactMap { one in
            one.marks.lazy.compactMap { mark in mark.find(in: headers) }.first.map { Sighting(one, evidence: $0) }
        }
        // Fastly is Varnish, and bears its marks.
        let isFastly = seen.contains { $0.name == .fastly }
        return seen.filter { $0.name != .varnish || !isFastly }
    }

    /// A field whose presence, or whose value's part, betrays someone.
    struct Mark {
        let field: String
        /// In lower case; nil: any value.
        let part: String?

        init(_ field: String, _ part: String? = nil) {
            self.field = field
            self.part = part
        }

        func find(in headers: HTTPHeaders) -> String? {
            for value in headers[field] where part.map({ value.lowercased().contains($0) }) ?? true {
                return "\(field): \(ResponseCheck.printable(value))"
            }
            return nil
        }
    }

    private var marks: [Mark] {
        switch self {
        case .nginx: [Mark("Server", "nginx"), Mark("Server", "openresty"), Mark("Server", "tengine")]
        // HAProxy leaves none by itself; its statistics cookie and header are of the administrator's making.
        case .haproxy: [Mark("Via", "haproxy"), Mark("Server", "haproxy")]
        case .envoy:
            [Mark("Server", "envoy"), Mark("X-Envoy-Upstream-Service-Time"), Mark("X-Envoy-Decorator-Operation")]
        case .varnish: [Mark("X-Varnish"), Mark("Via", "varnish")]
        case .trafficServer:
            [Mark("Server", "ats/"), Mark("Via", "apachetrafficserver"), Mark("Via", "traffic_server")]
        case .httpd: [Mark("Server", "apache/"), Mark("Via", "(apache")]
        case .caddy: [Mark("Via", "caddy"), Mark("Server", "caddy")]
        case .nghttpx: [Mark("Via", "nghttpx"), Mark("Server", "nghttpx")]
        case .akamai:
            [
                Mark("Akamai-GRN"), Mark("X-Akamai-Transformed"), Mark("X-Akamai-Request-ID"),
                Mark("X-Cache", "akamai"), Mark("Server", "akamai"), Mark("Server-Timing", "ak_p"),
            ]
        case .cloudflare: [Mark("CF-Ray"), Mark("Server", "cloudflare")]
        case .cloudFront: [Mark("X-Amz-Cf-Id"), Mark("X-Amz-Cf-Pop"), Mark("Via", "cloudfront")]
        case .fastly: [Mark("X-Served-By", "cache-"), Mark("X-Fastly-Request-ID"), Mark("Fastly-Debug-Digest")]
        case .azureFrontDoor: [Mark("X-Azure-Ref")]
        case .googleFrontEnd: [Mark("Via", "1.1 google"), Mark("Server", "google frontend")]
        case .awsLoadBalancer: [Mark("Set-Cookie", "awsalb"), Mark("Server", "awselb")]
        case .traefik: [Mark("Via", "traefik"), Mark("Server", "traefik")]
        case .squid: [Mark("Via", "squid"), Mark("X-Squid-Error")]
        case .kong: [Mark("Via", "kong"), Mark("X-Kong-Proxy-Latency"), Mark("Server", "kong")]
        }
    }
}
