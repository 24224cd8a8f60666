// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

@testable import Transport

final class HTTP2DataFraming: Workload {
    private let peer: HTTP2Peer
    private let slots: [StreamSlot]
    private let written: Int
    /// Of the next stream; goes on from run to run.
    private var next = 0

    init() throws {
        let peer = try HTTP2Peer(maximumStreams: 1000)
        self.peer = peer
        self.slots = try (0..<1000).map { _ in try peer.open() }
        self.written = peer.session.configuration.maxBufferedBytes / 2
        try self.prepare(1)
        _ = self.run(1)
        let frame = self.peer.session.withOutput { Array($0) }
        let header: [UInt8] = [0, UInt8(SampleEvent.blockBytes.count >> 8), UInt8(SampleEvent.blockBytes.count & 0xff)]
        try expect(frame == header + [0, 0, 0, 0, 0, 1] + SampleEvent.blockBytes, "not the DATA frame: \(frame)")
    }

    func prepare(_ steps: Int) throws { try self.peer.openWindow() }

    func run(_ steps: Int) -> Int {
        var (next, bytes) = (self.next, 0)
        SampleEvent.blockBytes.withUnsafeBytes { block in
            for _ in 0..<steps {
                guard self.peer.session.appendData(self.slots[next], block) == .accepted else {
                    bytes = -1
                    return
                }
                next = next + 1 == self.slots.count ? 0 : next + 1
                // Where the connection would write to its socket.
                let count = self.peer.session.pendingOutputBytes
                if count >= self.written {
                    bytes &+= count
                    self.peer.session.outputWritten(count)
                }
            }
        }
        self.next = next
        return bytes
    }
}
