// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Once a second a look at the loop's connections: what the kernel says of a few of them, and whether the books agree.

import NIOCore
import Transport

/// What is remembered from one survey to the next.
struct ConnectionSurvey {
    /// Which connections are sampled moves on with each survey.
    var rotation = 0
    /// Invariants that did not hold the last time. An end is told a turn after it happened, so once is no failure.
    var suspects: Set<MetricLabel.Invariant> = []
}

extension Shard {
    /// Connections whose sockets are asked in one survey; each costs three system calls.
    private static let sampledConnections = 64

    func surveyConnections() {
        guard let server = self.server else { return }
        let stride = max(1, server.connectionCount / Self.sampledConnections)
        self.survey.rotation += 1
        let chosen = self.survey.rotation % stride
        var index = 0
        var streams = 0
        var sockets: [SocketSample] = []
        server.forEachConnection { connection, look in
            if connection.listener == ListenerName.open {
                streams += connection.activeStreams
                if index % stride == chosen, let socket = look().socket { sockets.append(socket) }
            }
            index += 1
        }
        self.metrics.sampled(sockets)
        self.check(.streams, holds: self.metrics.openStreams == self.streams.count)
        self.check(.connections, holds: streams == self.streams.count)
    }

    private func check(_ invariant: MetricLabel.Invariant, holds: Bool) {
        if holds {
            self.survey.suspects.remove(invariant)
        } else if !self.survey.suspects.insert(invariant).inserted {
            self.metrics.selfCheckFailed(invariant)
            self.shared.logger.error("self-check failed", metadata: ["invariant": "\(invariant.rawValue)"])
        }
    }
}
