// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

@testable import Origin

/// The whole way of a request for a stream on one loop, over a connection that has others: decoded, routed, its stream
/// made and counted, its response's head written.
final class StreamOpening: Workload {
    /// Within what one connection may have.
    private static let maximumSteps = 2_000

    private var streams: OpenStreams
    private var requests: [ByteBuffer] = []

    init() throws {
        self.streams = try OpenStreams()
        try self.prepare(2)
        let bytes = self.run(2)
        try expect(bytes > 2 * 200, "\(bytes) bytes were written for two streams")
        let count = self.streams.shard.streams.count
        try expect(count == OpenStreams.count + 2, "\(count) streams are open")
    }

    func prepare(_ steps: Int) throws {
        try expect(steps <= Self.maximumSteps, "a connection has at most \(Self.maximumSteps) more streams")
        self.streams = try OpenStreams()
        self.requests = try (0..<steps).map { _ in try self.streams.nextRequest() }
    }

    func run(_ steps: Int) -> Int {
        for request in self.requests {
            guard (try? self.streams.channel.writeInbound(request)) != nil else { return -1 }
        }
        return self.streams.written()
    }
}
