// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How the streams that ended last ended, so that frames which were on their way are told from violations
/// (RFC 9113 section 5.1, "closed").
///
/// A ring: bound `capacity`, the oldest is forgotten first. It is allocated as it fills.
struct HTTP2ClosedStreams {
    enum Ending: UInt8 {
        /// We sent RST_STREAM: whatever still arrives is discarded.
        case resetByUs
        /// The peer sent RST_STREAM: it must not send more.
        case resetByPeer
        /// Both sides sent END_STREAM.
        case complete
    }

    private struct Entry {
        var streamID: UInt32
        var ending: Ending
    }

    private var ring = ContiguousArray<Entry>()
    private var oldest = 0
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
    }

    mutating func remember(_ streamID: UInt32, _ ending: Ending) {
        guard ring.count == capacity else {
            ring.append(Entry(streamID: streamID, ending: ending))
            return
        }
        ring[oldest] = Entry(streamID: streamID, ending: ending)
        oldest = (oldest + 1) % capacity
    }

    /// How that stream ended; `nil` when it is forgotten or was never opened.
    func ending(of streamID: UInt32) -> Ending? {
        ring.last { $0.streamID == streamID }?.ending
    }

    /// Changes what is known: after a second RST_STREAM of ours, further frames are discarded in silence.
    mutating func markResetByUs(_ streamID: UInt32) {
        if let position = ring.lastIndex(where: { $0.streamID == streamID }) {
            ring[position].ending = .resetByUs
        } else {
            remember(streamID, .resetByUs)
        }
    }
}
