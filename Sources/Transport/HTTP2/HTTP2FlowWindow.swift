// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Our side of flow control for the whole connection (RFC 9113 sections 5.2 and 6.9): what the peer may still send,
/// and what we may give back.
///
/// Bytes move from `available` to the caller and, once it has consumed them, to `returned`; they are announced by one
/// WINDOW_UPDATE when half of the window has come back, so that a body costs two updates per window and not one per
/// frame. What the caller does not consume is never given back: this is the bound on buffered request bodies.
struct HTTP2ReceiveWindow: Equatable {
    /// The size of the window, in bytes.
    let limit: Int
    /// What the peer may still send.
    private(set) var available: Int
    /// Consumed, but not announced yet.
    private(set) var returned = 0

    init(limit: Int) {
        self.limit = limit
        self.available = limit
    }

    /// Counts the payload of a DATA frame, padding included.
    ///
    /// - Returns: `false` when the peer has sent more than it was allowed to.
    mutating func receive(_ count: Int) -> Bool {
        guard count <= available else { return false }
        available -= count
        return true
    }

    /// Takes back bytes that are consumed or discarded.
    ///
    /// - Returns: the increment to announce now, or 0.
    mutating func giveBack(_ count: Int) -> Int {
        returned += count
        guard returned * 2 >= limit else { return 0 }
        let increment = returned
        returned = 0
        available += increment
        return increment
    }
}

/// How long something could not be sent for want of a window that the peer has to open.
public struct HTTP2Stall: Equatable, Sendable {
    /// How often it happened.
    public var count: UInt32 = 0
    /// For how long in all, in nanoseconds.
    public var nanoseconds: Int64 = 0

    public init() {}
}
