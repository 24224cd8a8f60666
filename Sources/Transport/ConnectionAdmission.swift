// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Counts open connections over all loops.

import Synchronization

/// The number of connections open now and accepted so far. Safe from any thread.
public final class ConnectionAdmission: Sendable {
    private let open = Atomic<Int>(0)
    private let accepted = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)

    public init() {}

    public var activeConnections: Int { self.open.load(ordering: .relaxed) }
    public var acceptedConnections: Int { self.accepted.load(ordering: .relaxed) }
    /// Connections that came when the limit was reached.
    public var refusedConnections: Int { self.refused.load(ordering: .relaxed) }

    /// - Returns: whether the connection is within `limit`. It is counted either way until ``leave()``.
    func enter(limit: Int) -> Bool {
        self.accepted.add(1, ordering: .relaxed)
        let isWithin = self.open.add(1, ordering: .relaxed).newValue <= limit
        if !isWithin { self.refused.add(1, ordering: .relaxed) }
        return isWithin
    }

    func leave() { self.open.subtract(1, ordering: .relaxed) }
}
