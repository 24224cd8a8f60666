// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// What a load test does: how many streams of which kind, opened when, dropped when, for how long.
public struct LoadPlan: Sendable {
    public var path: ProbePath
    /// How to reach it; `protocols` is the path's.
    public var client = HTTPClientConfiguration()
    /// Streams that read all they get.
    public var streams = 100
    /// Further streams that read ``slowRate`` bytes a second each, 0 for not at all.
    public var slow = 0
    public var slowRate = 0
    /// Further streams, each on a connection of its own, whose client vanishes without a word once it has the head.
    public var halfDead = 0
    /// All streams are opened evenly over this long.
    public var ramp = Duration.seconds(1)
    /// For so long after the ramp nothing is measured yet: what a server has left to open is not part of what it
    /// delivers.
    public var settle = Duration.zero
    /// How long the test goes on when all are open.
    public var hold = Duration.seconds(10)
    /// So many streams a second leave and are opened anew.
    public var churn = 0.0
    /// Every so often all streams are dropped and opened anew at once.
    public var storm: Duration?
    /// How long after its end a stream comes back; nil: it stays away.
    public var reconnect: Duration? = .seconds(1)
    /// HTTP/2: over how few connections.
    public var streamsPerConnection = 1_000
    /// Event loops, each a thread with a share of all.
    public var loops = 1
    /// See ``LoadCoalescing``.
    public var coalesce = Duration.microseconds(200)

    public init(path: ProbePath) {
        self.path = path
    }

    var allStreams: Int { streams + slow + halfDead }

    /// Sockets that it takes at once. Where the protocol is yet to be agreed on it may be one for each stream, but only
    /// what is certain counts.
    public var fewestConnections: Int {
        guard path.protocols != .http1, path.protocols == .http2 || path.target.scheme == .https else {
            return allStreams
        }
        func connections(_ count: Int) -> Int { (count + streamsPerConnection - 1) / max(streamsPerConnection, 1) }
        return connections(streams) + connections(slow) + halfDead
    }
}

/// What a stream is for.
enum LoadRole: Int, Sendable, CaseIterable {
    case reader
    case slow
    case halfDead
}
