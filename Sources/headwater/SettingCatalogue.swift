// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Every setting of `headwater serve`. Help, `headwater config`, the environment, the file and docs/configuration.md
// all come from this list or are held against it by a test.

import FoundationEssentials
import Logging
import NIOCore
import Origin
import Transport

enum SettingCatalogue {
    struct Group: Sendable {
        let title: String
        let settings: [Setting]
    }

    static let groups = [listeners, streams, channels, publishing, telemetry, network, limits, process]
    static let all = groups.flatMap(\.settings)

    private static let listeners = Group(
        title: "Listeners",
        settings: [
            .text("host", "ADDRESS", \.origin.host, "Where streams and publishing listen."),
            .number("port", 0...65_535, \.origin.port, "Their port; 0 picks a free one."),
            .text("admin-host", "ADDRESS", \.origin.adminHost, "Where health and live tables listen."),
            .number(
                "tls-port", 0...65_535, \.origin.tlsPort, "Where TLS listens, on the same host; 0 picks a free port."),
            .list(
                "tls-certificate", "PATHS", \.tlsCertificates,
                "PEM certificate chain; several, comma-separated, are chosen by SNI. With one, the TLS port opens."
            ),
            .list("tls-key", "PATHS", \.tlsKeys, "PEM keys, one for each certificate, in the same order."),
            .optional(
                "tls-client-ca", "PATH", \.tlsClientAuthorities,
                "PEM authorities; only clients with a certificate of theirs get in."
            ),
            .flag(
                "tls-self-signed", \.tlsSelfSigned, "Make and use a development certificate, and say how to trust it."),
            .text("tls-directory", "PATH", \.tlsDirectory, "Where the development certificate is kept."),
            .number("admin-port", 0...65_535, \.origin.adminPort, "Their port; 0 picks a free one."),
        ]
    )

    private static let streams = Group(
        title: "Streams",
        settings: [
            .seconds(
                "heartbeat", 0.1...3600, orOff: true, \.origin.heartbeat,
                "A stream gets a comment line after this long without a write; 0 is off. Stay below the idle timers"
            ),
            .number(
                "retry", 0...3_600_000, \.origin.retryMilliseconds,
                "Milliseconds after which clients reconnect; sent when a stream opens."
            ),
            .seconds(
                "max-stream-lifetime", 1...604_800, orOff: true, \.origin.maximumStreamLifetime,
                "Streams are ended after 90 to 100 % of this; 0 is off."
            ),
            .choice(
                "slow-consumer", \.origin.slowConsumer,
                "What happens to a stream that is too slow: it is closed, or skips what is lost with a gap event."
            ),
            .number(
                "slow-bytes", 1024...1_073_741_824, \.origin.slowBytes,
                "A blocked stream this many bytes behind is too slow."
            ),
            .seconds("slow-seconds", 0.1...86_400, \.origin.slowSeconds, "A stream blocked for this long is too slow."),
            .seconds(
                "drain-window", 0...3600, \.origin.drainWindow,
                "On SIGTERM streams are closed spread over this long; a second SIGTERM ends at once."
            ),
        ]
    )

    private static let channels = Group(
        title: "Channels",
        settings: [
            .number("channel-events", 1...1_000_000, \.origin.channelEvents, "Events that a channel keeps for resume."),
            .number(
                "channel-bytes", 1024...1_073_741_824, \.origin.channelBytes,
                "Bytes that a channel keeps for resume, on each event loop with streams of it."
            ),
            .number("max-channels", 1...10_000_000, \.origin.maximumChannels, "Channels at once; beyond it 503."),
            .seconds(
                "channel-linger", 1...604_800, \.origin.channelLinger,
                "A channel without streams and publishes for this long is freed."
            ),
        ]
    )

    private static let publishing = Group(
        title: "Publishing",
        settings: [
            Setting(
                key: "publish-token-file", placeholder: "PATH", fallback: "",
                help: "Lines of TOKEN PATTERN[,PATTERN...]: who may publish to which channels (* stands for anything)."
            ) { text, configuration throws(Setting.Rejection) in
                guard !text.isEmpty else { return }
                guard let file = try? String(contentsOf: URL(filePath: text), encoding: .utf8) else {
                    throw Setting.Rejection(allowed: "the path of a readable file")
                }
                do throws(PublishToken.Invalid) {
                    configuration.origin.publishTokens += try PublishToken.parse(file: file)
                } catch {
                    throw Setting.Rejection(allowed: "a file of lines TOKEN PATTERN[,PATTERN...]; \(error)")
                }
            },
            Setting(
                key: "publish-tokens", placeholder: "LIST", fallback: "",
                help: "The same as TOKEN=PATTERN[,PATTERN...];... in the environment or the file.",
                isSecret: true, hasFlag: false
            ) { text, configuration throws(Setting.Rejection) in
                do throws(PublishToken.Invalid) {
                    configuration.origin.publishTokens += try PublishToken.parse(list: text)
                } catch {
                    throw Setting.Rejection(allowed: "TOKEN=PATTERN[,PATTERN...];...; \(error)")
                }
            },
            .rate(
                "publish-rate", 0.01...10_000_000, \.origin.publishRate,
                "Events a second over all publishers; beyond it 429."
            ),
            .number(
                "publish-max-bytes", 1...67_108_864, \.origin.publishMaximumBytes,
                "Bytes of one publish request's body; beyond it 413."
            ),
        ]
    )

    private static let telemetry = Group(
        title: "Telemetry",
        settings: [
            .flag("metrics", \.origin.metrics, "Count deliveries for /metrics; false is for comparison."),
            .flag("trace-log", \.traceLog, "Print a line for each span on standard error."),
            .rate(
                "event-span-rate", 0...1_000_000, \.eventSpanRate,
                "Spans of single events a second; 0 keeps only those of slow ones."
            ),
            .seconds(
                "slow-event", 0.001...3600, \.origin.slowEvent,
                "The span of an event that is later than this is kept whatever the rate."
            ),
            .seconds(
                "segment-interval", 1...3600, \.origin.segmentInterval,
                "An open stream tells of itself in its trace this often."
            ),
            .flag(
                "trace-comments", \.origin.traceComments,
                "Events of sampled publishes carry a comment line with their traceparent."
            ),
            .rate(
                "beacon-rate", 0.01...1_000_000, \.origin.beaconRate,
                "Reports of receivers' own lag a second, over all; beyond it 429."
            ),
        ]
    )

    private static let network = Group(
        title: "Network",
        settings: [
            Setting(
                key: "cors-origins", placeholder: "LIST", fallback: "",
                help: "Web origins that may read streams, such as https://app.example.com, comma-separated; * for all."
            ) { text, configuration throws(Setting.Rejection) in
                configuration.origin.crossOrigin = try Self.crossOrigin(text)
            },
            Setting(
                key: "trusted-proxies", placeholder: "LIST", fallback: "",
                help: "Addresses whose Forwarded or X-Forwarded-For is believed, as CIDR, comma-separated."
            ) { text, configuration throws(Setting.Rejection) in
                var ranges: [AddressRange] = []
                for item in Setting.items(text) {
                    guard let range = AddressRange(item) else {
                        throw Setting.Rejection(allowed: "a list such as 10.0.0.0/8,192.0.2.7,2001:db8::/32")
                    }
                    ranges.append(range)
                }
                configuration.origin.trustedProxies = ranges
            },
            .flag(
                "proxy-protocol", \.origin.proxyProtocol,
                "Every public connection starts with a PROXY protocol header, version 1 or 2."
            ),
            .seconds(
                "tcp-user-timeout", 1...3600, \.origin.tcpUserTimeout,
                "A connection whose data is not acknowledged for this long is given up (TCP_USER_TIMEOUT)."
            ),
            .flag("direct-writes", \.origin.limits.directWrites, "Write to sockets past the event loop's own queue."),
            .flag(
                "io-uring", \.origin.limits.ioUring,
                "Send to many sockets in one system call where the kernel has io_uring."
            ),
        ]
    )

    private static let limits = Group(
        title: "Limits",
        settings: [
            .number(
                "max-connections", 1...DescriptorLimit.mostConnections, \.origin.maximumConnections,
                fallback: String(DescriptorLimit.connections),
                "Public connections at once; beyond it 503. The default is the file descriptor limit less a reserve."
            ),
            .number("max-streams", 1...10_000_000, \.origin.maximumStreams, "Streams at once; beyond it 503."),
            .number(
                "max-streams-per-peer", 0...10_000_000, \.origin.maximumStreamsPerPeer,
                "Streams at once of one client address; 0 is off."
            ),
            .number(
                "max-streams-per-connection", 1...1_000_000, \.origin.limits.http2.maxConcurrentStreams,
                "Streams at once on one HTTP/2 connection; those beyond it are refused and may be tried again."
            ),
            .seconds(
                "header-timeout", 0.1...3600, \.headerTimeout,
                "A request's head must be complete in this time; else 408."
            ),
            .seconds(
                "body-timeout", 0.1...3600, \.bodyTimeout, "A request's body must be complete in this time; else 408."),
            .seconds(
                "keep-alive-timeout", 0.1...3600, \.keepAliveTimeout,
                "A connection may wait this long for its next request."),
        ]
    )

    private static let process = Group(
        title: "Process",
        settings: [
            .number(
                "event-loops", 1...256, \.eventLoops, fallback: String(System.coreCount),
                "Threads that serve; the default is the number of cores."
            ),
            .optional(
                "ready-file", "PATH", \.readyFile,
                "Written once the origin serves, with the line that standard output gets."
            ),
            .choice(
                "log-level", \.logLevel, "Log lines of this level and above are written."
            ),
            .choice("log-format", \.logFormat, "auto is text on a terminal and JSON otherwise."),
        ]
    )

    private static func crossOrigin(_ text: String) throws(Setting.Rejection) -> CrossOriginPolicy {
        let items = Setting.items(text)
        if items == ["*"] { return CrossOriginPolicy(.any) }
        for item in items where !self.isOrigin(item) {
            throw Setting.Rejection(allowed: "* or a list of origins such as https://app.example.com (no path)")
        }
        return CrossOriginPolicy(.origins(Set(items)))
    }

    /// scheme://host[:port], as browsers send it (RFC 6454, section 6.2).
    private static func isOrigin(_ text: String) -> Bool {
        guard let url = URL(string: text), url.scheme == "http" || url.scheme == "https", url.host() != nil else {
            return false
        }
        return text.split(separator: "/", omittingEmptySubsequences: false).count == 3
    }
}

// Limits are kept in nanoseconds and set in seconds.
extension ServeConfiguration {
    fileprivate var headerTimeout: Double {
        get { self.origin.limits.headerTimeout.seconds }
        set { self.origin.limits.headerTimeout = .nanoseconds(seconds: newValue) }
    }

    fileprivate var bodyTimeout: Double {
        get { self.origin.limits.bodyTimeout.seconds }
        set { self.origin.limits.bodyTimeout = .nanoseconds(seconds: newValue) }
    }

    fileprivate var keepAliveTimeout: Double {
        get { self.origin.limits.keepAliveTimeout.seconds }
        set { self.origin.limits.keepAliveTimeout = .nanoseconds(seconds: newValue) }
    }
}
