// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where the gates of one loop's connections lie: side by side, because a pass reads them one after the other. A cell of
// its own for each was a cache and a TLB miss per event, a third of a microsecond.

import Synchronization

/// Hands out gates. Safe from any thread: a connection's last reference may go anywhere when the process ends. Its lock
/// is taken when a connection opens and when it is gone, never by a delivery.
///
/// Bound: four bytes for each of the most connections open at once, and eight for each that has closed since; not
/// given back.
final class GateTable: Sendable {
    private struct State {
        var blocks: [UnsafeMutablePointer<CInt>] = []
        /// The next to hand out is the last.
        var free: [WriteGate] = []
    }

    private static let gatesPerBlock = 1024
    private let state = Mutex(State())

    deinit {
        // Every gate is back: the connections that hold one keep this table alive.
        self.state.withLock { state in
            for block in state.blocks { block.deallocate() }
        }
    }

    /// - Returns: a shut gate.
    func take() -> WriteGate {
        self.state.withLock { state in
            if let gate = state.free.popLast() { return gate }
            let block = UnsafeMutablePointer<CInt>.allocate(capacity: Self.gatesPerBlock)
            state.blocks.append(block)
            state.free.append(contentsOf: (1..<Self.gatesPerBlock).reversed().map { WriteGate(at: block + $0) })
            return WriteGate(at: block)
        }
    }

    func giveBack(_ gate: WriteGate) {
        gate.shut()
        self.state.withLock { $0.free.append(gate) }
    }
}
