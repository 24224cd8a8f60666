// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Counts open streams over all loops, in all and for each client, and refuses those beyond the limits.

import Synchronization

/// Safe from any thread; its lock is held for a dictionary access, when a stream opens or ends.
final class StreamAdmission: Sendable {
    enum Refusal: Equatable {
        case tooManyStreams(limit: Int)
        case tooManyForPeer(limit: Int)
    }

    private struct State {
        var opened: UInt64 = 0
        var closed: UInt64 = 0
        /// Kept only when there is a limit for each. Bound: one entry for each client with an open stream.
        var perPeer: [String: Int] = [:]
    }

    private let maximum: Int
    private let maximumPerPeer: Int
    private let state = Mutex(State())

    /// - Parameter maximumPerPeer: 0 for no limit.
    init(maximum: Int, maximumPerPeer: Int) {
        self.maximum = maximum
        self.maximumPerPeer = maximumPerPeer
    }

    /// Takes a place, or says which limit is reached.
    func enter(client: String) -> Refusal? {
        self.state.withLock { state in
            guard state.opened - state.closed < UInt64(self.maximum) else {
                return .tooManyStreams(limit: self.maximum)
            }
            if self.maximumPerPeer > 0 {
                guard state.perPeer[client, default: 0] < self.maximumPerPeer else {
                    return .tooManyForPeer(limit: self.maximumPerPeer)
                }
                state.perPeer[client, default: 0] += 1
            }
            state.opened += 1
            return nil
        }
    }

    func leave(client: String) {
        self.state.withLock { state in
            state.closed += 1
            guard self.maximumPerPeer > 0, let count = state.perPeer[client] else { return }
            state.perPeer[client] = count > 1 ? count - 1 : nil
        }
    }

    /// Taken at one moment: `active` is `opened - closed`.
    var counts: (opened: UInt64, closed: UInt64, active: UInt64) {
        self.state.withLock { ($0.opened, $0.closed, $0.opened - $0.closed) }
    }

    var isFull: Bool { self.counts.active >= UInt64(self.maximum) }
}
