// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Everything about an origin that its operator may set, with the defaults. Reading it from flags, environment and
// files is the executable's business.

import Transport

/// An origin's settings. Times in seconds, sizes in bytes, unless the name says otherwise.
public struct OriginConfiguration: Sendable {
    public var host = "0.0.0.0"
    /// 0 picks a free port.
    public var port = 8080
    public var adminHost = "127.0.0.1"
    public var adminPort = 9464

    /// Where TLS listens when ``tls`` is set; 0 picks a free port.
    public var tlsPort = 8443
    /// Certificates and policy of the TLS listener; `nil`: there is none.
    public var tls: TLSServerConfiguration?

    /// Seconds without a write after which a stream gets a heartbeat; 0 switches heartbeats off.
    public var heartbeat = 15.0
    /// The reconnection time that streams open with.
    public var retryMilliseconds = 3000

    /// Bounds of a channel's log.
    public var channelEvents = 1024
    public var channelBytes = 1 << 20
    /// Channels at once.
    public var maximumChannels = 10_000
    /// A channel without streams and publishes for this long is freed.
    public var channelLinger = 60.0

    public enum SlowConsumerPolicy: String, Sendable, CaseIterable {
        /// End the stream; the client resumes or learns of the gap when it comes back.
        case close
        /// Leave out what the log no longer holds, with a `gap` event.
        case skip
    }
    public var slowConsumer = SlowConsumerPolicy.close
    /// How far a stream may fall behind, in bytes of its channel's log.
    public var slowBytes = 1 << 20
    /// How long a stream's socket may take nothing.
    public var slowSeconds = 30.0

    public var maximumConnections = 10_000
    public var maximumStreams = 200_000
    /// 0: no limit of its own.
    public var maximumStreamsPerPeer = 0
    /// 0: streams have no maximum lifetime. Otherwise each gets 90 to 100 % of it, so that they do not all come back
    /// at once.
    public var maximumStreamLifetime = 0.0

    /// How long a drain takes: streams are closed spread over it.
    public var drainWindow = 20.0

    public var crossOrigin = CrossOriginPolicy(.origins([]))
    public var trustedProxies: [AddressRange] = []
    public var proxyProtocol = false

    public var publishTokens: [PublishToken] = []
    /// Events a second over all publishers.
    public var publishRate = 50_000.0
    /// Reports of receivers a second, over all of them.
    public var beaconRate = 500.0
    /// Bytes of one publish request's body.
    public var publishMaximumBytes = 1 << 20

    /// Count deliveries. Off for comparison.
    public var metrics = true
    /// Events later than this, in seconds, get their span whatever the budget says.
    public var slowEvent = 1.0
    /// Seconds after which an open stream tells of itself in its trace.
    public var segmentInterval = 60.0
    /// Events of sampled publishes carry a comment line with their trace context.
    public var traceComments = false

    public var limits = ServerLimits()
    public var tcpUserTimeout = 30.0

    public init() {}
}
