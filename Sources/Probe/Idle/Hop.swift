// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1

/// Intermediaries whose timers are known by name.
public enum Hop: String, CaseIterable, Sendable {
    case nginx
    case haproxy = "HAProxy"
    case envoy = "Envoy"
    case varnish = "Varnish"
    case trafficServer = "Traffic Server"
    case httpd = "Apache httpd"
    case nghttpx
    case caddy = "Caddy"
    case akamai = "Akamai"
    case cloudflare = "Cloudflare"
    case fastly = "Fastly"
    case cloudFront = "CloudFront"
    case amazonLoadBalancer = "AWS ALB"
    case googleLoadBalancer = "Google Cloud load balancer"

    /// Those that a response names, from the client towards the origin as far as that can be told. HAProxy and httpd
    /// as a reverse proxy leave no trace, so an empty list means little.
    static func named(in headers: HTTPHeaders) -> [Hop] {
        let server = headers[canonicalForm: "server"].joined(separator: " ").lowercased()
        let via = headers[canonicalForm: "via"].joined(separator: " ").lowercased()
        func has(_ name: String) -> Bool { headers.contains(name: name) }
        return allCases.filter { hop in
            switch hop {
            case .nginx: server.contains("nginx") || server.contains("openresty")
            case .haproxy: via.contains("haproxy") || server.contains("haproxy")
            case .envoy: server.contains("envoy") || has("x-envoy-upstream-service-time")
            case .fastly: has("x-served-by") && via.contains("varnish")
            case .varnish: has("x-varnish") || (via.contains("varnish") && !has("x-served-by"))
            case .trafficServer: server.contains("ats/") || server.contains("ats ") || via.contains("trafficserver")
            case .httpd: server.contains("apache") || via.contains("apache")
            case .nghttpx: server.contains("nghttpx") || via.contains("nghttpx")
            case .caddy: server.contains("caddy") || via.contains("caddy")
            case .akamai: server.contains("akamai") || has("akamai-grn") || has("x-akamai-request-id")
            case .cloudflare: server.contains("cloudflare") || has("cf-ray")
            case .cloudFront: via.contains("cloudfront") || has("x-amz-cf-id")
            case .amazonLoadBalancer: server.contains("awselb")
            case .googleLoadBalancer: via.contains("1.1 google")
            }
        }
    }
}
