// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What one request waited for, phase by phase, in nanoseconds of the monotonic clock.
///
/// A phase that did not happen is `nil`: in cleartext there is no handshake, and a request on a kept connection neither
/// resolves nor connects.
public struct PhaseTimes: Sendable, Hashable {
    /// When each phase ended.
    public var connection: ConnectionPhases?
    /// The request, or of a large one the first part, was about to be handed to the kernel: never later than it left.
    public var requestWritten: Int64?
    /// The read that completed the final response head.
    public var headReceived: Int64?
    /// The read that brought the first byte of the body.
    public var firstByteReceived: Int64?

    public init(connection: ConnectionPhases? = nil) {
        self.connection = connection
    }

    /// Looking the name up; close to 0 for an address.
    public var resolve: Int64? { connection?.resolve }
    /// TCP, including addresses that were tried in vain.
    public var connect: Int64? { connection?.connect }
    /// CONNECT through a proxy.
    public var tunnel: Int64? { connection?.tunnel }
    /// TLS, both flights.
    public var handshake: Int64? { connection?.handshake }
    /// HTTP/2: until the server's SETTINGS were there.
    public var settings: Int64? { connection?.settings }
    /// From the request written to the response head.
    public var requestToHead: Int64? { Self.between(requestWritten, headReceived) }
    /// From the head to the first byte of the body.
    public var headToFirstByte: Int64? { Self.between(headReceived, firstByteReceived) }

    static func between(_ start: Int64?, _ end: Int64?) -> Int64? {
        guard let start, let end else { return nil }
        return end - start
    }
}

/// The phases of a connection's making: monotonic nanoseconds at which each ended.
public struct ConnectionPhases: Sendable, Hashable {
    public var started: Int64
    public var resolved: Int64?
    public var connected: Int64?
    public var tunnelled: Int64?
    public var secured: Int64?
    public var settingsReceived: Int64?

    public init(started: Int64) {
        self.started = started
    }

    public var resolve: Int64? { PhaseTimes.between(started, resolved) }
    public var connect: Int64? { PhaseTimes.between(resolved, connected) }
    public var tunnel: Int64? { PhaseTimes.between(connected, tunnelled) }
    public var handshake: Int64? { PhaseTimes.between(tunnelled ?? connected, secured) }
    public var settings: Int64? { PhaseTimes.between(secured ?? tunnelled ?? connected, settingsReceived) }
    /// From the first step to a connection that takes requests.
    public var total: Int64? {
        PhaseTimes.between(started, settingsReceived ?? secured ?? tunnelled ?? connected)
    }
}

/// When and by which read of the socket something arrived.
public struct HTTPArrival: Sendable, Hashable {
    /// Monotonic nanoseconds, taken when the socket had been read, before the bytes were parsed. What one read brought
    /// carries one time.
    public let time: Int64
    /// The number of the read on its connection, from 1: two events with the same number were coalesced on the way.
    public let read: UInt64

    public init(time: Int64, read: UInt64) {
        self.time = time
        self.read = read
    }
}
