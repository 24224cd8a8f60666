// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

/// Sessions that servers gave a client, to be offered at the next connect to the same name.
///
/// A session is kept in its serialised form (`i2d_SSL_SESSION`), so that none is shared between connections. Each is
/// handed out once: RFC 8446 appendix C.4 asks clients not to reuse tickets.
///
/// Bounds: `namesLimit` names with `sessionsPerName` sessions each, about 2 KB per session. Over them the oldest goes,
/// which costs one full handshake.
final class TLSSessionCache: Sendable {
    /// A client of ours talks to a handful of origins; the probe's matrix to some dozens.
    static let namesLimit = 128
    /// OpenSSL's servers send two tickets per full handshake.
    static let sessionsPerName = 2

    private struct State {
        var sessions: [String: [[UInt8]]] = [:]
        /// Names in the order of their last session, the oldest first.
        var order: [String] = []
    }

    private let state = Mutex(State())

    func store(_ session: [UInt8], for name: String) {
        state.withLock { state in
            state.order.removeAll { $0 == name }
            state.order.append(name)
            state.sessions[name, default: []].append(session)
            if let count = state.sessions[name]?.count, count > Self.sessionsPerName {
                state.sessions[name]?.removeFirst()
            }
            if state.order.count > Self.namesLimit {
                state.sessions[state.order.removeFirst()] = nil
            }
        }
    }

    /// The newest session for the name, which is then no longer here.
    func take(for name: String) -> [UInt8]? {
        state.withLock { $0.sessions[name]?.popLast() }
    }
}
