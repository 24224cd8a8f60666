// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

@testable import Transport

/// From the bytes of a HEADERS frame to a request: frame, HPACK, checks, a place in the table of streams.
final class HTTP2RequestDecoding: Workload {
    private let isFirst: Bool
    /// One whose streams are all open at once; or one for each request.
    private var peers: [HTTP2Peer] = []
    private var requests: [ByteBuffer] = []
    private var slots: [StreamSlot] = []

    private static let maximumSteps = 10_000

    init(isFirst: Bool) throws {
        self.isFirst = isFirst
        if !isFirst {
            let peer = try HTTP2Peer(maximumStreams: Self.maximumSteps)
            // The first request fills the table, and its stream ends.
            self.slots = [try peer.open()]
            self.peers = [peer]
        }
        try self.prepare(1)
        let size = self.requests[0].readableBytes
        try expect(isFirst ? size > 300 : size < 40, "the request takes \(size) bytes")
        let fields = self.run(1)
        try expect(fields == HTTP2Client.request.count, "the request has \(fields) fields")
    }

    func prepare(_ steps: Int) throws {
        try expect(steps <= Self.maximumSteps, "a connection has at most \(Self.maximumSteps) streams")
        if self.isFirst {
            self.peers = try (0..<steps).map { _ in try HTTP2Peer(maximumStreams: 100) }
            self.requests = try self.peers.map { try $0.nextRequest() }
        } else {
            let peer = self.peers[0]
            for slot in self.slots { peer.session.reset(slot, .cancel) }
            peer.session.outputWritten(.max)
            self.requests = try (0..<steps).map { _ in try peer.nextRequest() }
        }
        self.slots.removeAll(keepingCapacity: true)
        self.slots.reserveCapacity(steps)
    }

    func run(_ steps: Int) -> Int {
        var fields = 0
        for step in 0..<steps {
            let peer = self.peers[self.isFirst ? step : 0]
            peer.session.receive(self.requests[step], now: 0)
            guard case .request(let slot, let request, true)? = peer.session.nextEvent() else { return -1 }
            fields &+= request.headers.count
            self.slots.append(slot)
        }
        return fields
    }
}
