// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One sentence of what happens and one of what to change, for each cause. docs/diagnosis.md has the same words; a test
/// holds the two together.
extension Cause {
    public var text: String {
        switch self {
        case .nginxBuffering:
            "nginx collects the response in its buffers, because it speaks HTTP/1.0 to the origin or was told to "
                + "ignore X-Accel-Buffering"
        case .nginxCompression: "nginx compresses the stream and holds back what its buffers have not filled"
        case .varnishBuffering: "Varnish fetches the whole response before it delivers any of it"
        case .varnishCompression: "Varnish compresses the stream and keeps everything until its end"
        case .trafficServerCompression:
            "the compress plugin of Apache Traffic Server compresses the stream and keeps everything until its end"
        case .akamaiBuffering: "Akamai buffers responses by default"
        case .cloudflareBuffering: "Cloudflare buffers the response, as it does with what it may cache"
        case .azureFrontDoorBuffering: "Azure Front Door buffers: its documentation says that it does not support SSE"
        case .compression: "someone on the way compresses the stream and does not flush after each event"
        case .buffering: "someone on the way collects the response in a buffer"
        case .haproxyDelay: "HAProxy holds small writes for about 200 ms, so that events arrive in groups"
        case .smallWritesHeld: "someone on the way holds small writes for a moment, so that events arrive in groups"
        case .envoyRouteTimeout:
            "Envoy ends every stream at the age of its route's timeout, 15 s by default, however busy it is"
        case .varnishSendTimeout: "Varnish ends every stream at the age of send_timeout, 600 s by default"
        case .trafficServerActiveTimeout:
            "Apache Traffic Server ends every transaction at the age of its active timeout, 900 s by default"
        case .maximumLife: "someone on the way ends every stream at the same age"
        case .httpdTimeout: "Apache httpd gives up on a stream on which the origin is silent, after 60 s by default"
        case .nginxReadTimeout:
            "nginx cuts a stream on which the origin is silent for proxy_read_timeout, 60 s by default"
        case .haproxyServerTimeout: "HAProxy cuts a stream on which the origin is silent for timeout server"
        case .envoyIdleTimeout: "Envoy cuts a stream that is silent for stream_idle_timeout, 5 minutes by default"
        case .varnishBetweenBytesTimeout:
            "Varnish cuts a stream on which the origin is silent for between_bytes_timeout, 60 s by default"
        case .trafficServerIdleTimeout:
            "Apache Traffic Server cuts a stream that is silent for its no-activity timeout, 30 s by default"
        case .caddyReadTimeout: "Caddy cuts a stream on which the origin is silent for read_timeout"
        case .nghttpxReadTimeout:
            "nghttpx ends a connection on which the origin is silent for backend-read-timeout, 60 s by default"
        case .idleTimeout: "someone on the way cuts streams that are silent for a while"
        case .cutInsideEvent: "the stream breaks off within an event: who wrote it failed, or someone cuts by size"
        case .cutWithoutPattern: "the stream was cut before its end, at no age or silence that repeats"
        case .httpdErrorInStream:
            "Apache httpd writes its HTML error page into the open stream when the origin is silent for too long or "
                + "fails"
        case .foreignContent: "someone writes lines into the stream that no event stream has"
        case .corruptCompression: "the compressed stream cannot be unpacked"
        case .unreadableStream: "the stream has a line or an event longer than any client has to take"
        case .cached: "a cache answers for the origin: subscribers share a stream, or get an old one"
        case .eventsLost: "events are missing in the middle of the stream, or come out of order"
        case .unreachable: "no connection, or no response on it"
        case .tlsFailure: "the TLS handshake fails"
        case .notHTTP: "what answers does not speak HTTP as it was asked to"
        case .redirect: "the server redirects, which EventSource follows and measurements must not"
        case .errorStatus: "the server answers with an error, after which EventSource does not come again"
        case .notEventStream: "the response is not text/event-stream, which EventSource refuses"
        }
    }

    public var setting: String {
        switch self {
        case .nginxBuffering:
            "in nginx's location: proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off; "
                + "or let X-Accel-Buffering: no through to it"
        case .nginxCompression: "in nginx's location: gzip off; or take text/event-stream out of gzip_types"
        case .varnishBuffering: "in vcl_backend_response, for text/event-stream: set beresp.do_stream = true;"
        case .varnishCompression: "in vcl_backend_response, for text/event-stream: set beresp.do_gzip = false;"
        case .trafficServerCompression:
            "in compress.config: take text/event-stream out of compressible-content-type, or disallow the path"
        case .akamaiBuffering:
            "add the behavior Optimize Text Streaming, or by metadata buffer-response-v2 off, chunk-to-client on, "
                + "forward-chunk-boundary-alignment on, lma.origin-edge and lma.edge-browser off"
        case .cloudflareBuffering: "send Cache-Control: no-store, or a cache rule that bypasses the cache for the path"
        case .azureFrontDoorBuffering: "lead streams around Azure Front Door"
        case .compression: "exclude text/event-stream from compression there, or have the origin send no-transform"
        case .buffering: "turn response buffering off there for text/event-stream"
        case .haproxyDelay: "in HAProxy's defaults or backend and frontend: option http-no-delay"
        case .smallWritesHeld: "set TCP_NODELAY there, and flush after each event"
        case .envoyRouteTimeout: "in the Envoy route: timeout: 0s"
        case .varnishSendTimeout: "start varnishd with -p send_timeout=86400"
        case .trafficServerActiveTimeout:
            "in records.config: proxy.config.http.transaction_active_timeout_in and _out INT 0"
        case .maximumLife: "raise that limit, or let clients reconnect with Last-Event-ID; probe idle measures it"
        case .httpdTimeout: "ProxyPass … timeout= (or ProxyTimeout) above the heartbeat's interval"
        case .nginxReadTimeout: "proxy_read_timeout above the heartbeat's interval"
        case .haproxyServerTimeout: "timeout server and timeout client above the heartbeat's interval"
        case .envoyIdleTimeout: "stream_idle_timeout, or the route's idle_timeout, above the heartbeat's interval"
        case .varnishBetweenBytesTimeout: "the backend's .between_bytes_timeout above the heartbeat's interval"
        case .trafficServerIdleTimeout:
            "in records.config: proxy.config.http.transaction_no_activity_timeout_out and _in above the heartbeat's "
                + "interval"
        case .caddyReadTimeout: "the transport's read_timeout above the heartbeat's interval"
        case .nghttpxReadTimeout: "backend-read-timeout above the heartbeat's interval"
        case .idleTimeout: "have the origin send a heartbeat more often; probe idle measures the limit"
        case .cutInsideEvent: "look at the server's log at that moment, and for limits on the size of responses"
        case .cutWithoutPattern: "look at the logs of the hops at that moment; probe watch keeps looking"
        case .httpdErrorInStream: "ProxyPass … timeout= (or ProxyTimeout) above the heartbeat's interval"
        case .foreignContent: "look for the hop that the text belongs to, and exclude text/event-stream there"
        case .corruptCompression: "look for the hop that compresses or cuts, and exclude text/event-stream there"
        case .unreadableStream: "send smaller events, each line ended"
        case .cached: "exclude text/event-stream from caching there; send Cache-Control: no-store"
        case .eventsLost: "look for slow-consumer limits and for hops that drop data; probe compare counts the losses"
        case .unreachable: "check address, port and firewall, and that the server runs"
        case .tlsFailure: "check certificate and name; --ca FILE believes a private authority"
        case .notHTTP: "check scheme and port, or choose --protocol"
        case .redirect: "probe the URL that the redirect names"
        case .errorStatus: "check the URL, credentials (--header) and the server's log"
        case .notEventStream: "check the path, or the request (--method, --header, --body)"
        }
    }
}
