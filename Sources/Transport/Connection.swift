// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What is known of one accepted L4 connection for as long as it lives. It says nothing of requests or streams:
// those count themselves against it.

import NIOCore
import Synchronization

/// A connection's number in this process: counts from 1 over all listeners and event loops, never reused.
///
/// With the running request number it is the evidence for multiplexing: the same id on many requests means that
/// they shared one socket.
public struct ConnectionID: Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt64

    private static let last = Atomic<UInt64>(0)

    /// Safe from any thread.
    static func next() -> ConnectionID {
        ConnectionID(rawValue: last.add(1, ordering: .relaxed).newValue)
    }

    public var description: String { String(self.rawValue) }
}

/// The protocol that a connection speaks, by its registered ALPN name where it has one.
public enum ApplicationProtocol: String, Sendable, CaseIterable {
    case http10 = "http/1.0"
    case http11 = "http/1.1"
    case http2 = "h2"
}

/// By whose doing a connection ended.
public enum ConnectionEnd: String, Sendable, CaseIterable {
    /// The peer ended it, or the network did.
    case peer
    /// We did, after the last answer that it was to have.
    case complete
    /// We did, because the origin drains or stops.
    case drain
    /// We did, because nothing came for too long.
    case timeout
    /// We did, because of what the peer sent: it broke HTTP or TLS.
    case violation
    /// We did, because there were too many connections.
    case limit
}

/// One accepted connection. Belongs to its event loop.
public final class Connection {
    public let id: ConnectionID
    /// The name of the listener that accepted it, as given in ``ListenerConfiguration/name``.
    public let listener: String
    /// The address of the L4 peer: the last intermediary, or what it said in a PROXY header.
    public internal(set) var peer: SocketAddress
    /// The address text of `peer` without its port; `unix` for local sockets. Rendered once: many lines repeat it.
    public internal(set) var peerAddress: String
    /// Monotonic nanoseconds at accept.
    public let acceptedAt: Int64
    public internal(set) var applicationProtocol: ApplicationProtocol = .http11
    /// What the TLS handshake agreed on; `nil` in cleartext, and until the handshake is over.
    public internal(set) var tls: TLSHandshakeCompleted?
    /// Requests whose head was read on this connection so far.
    public internal(set) var requestCount: UInt64 = 0
    /// Streams open now, and the most that were open at once.
    public internal(set) var activeStreams = 0 {
        didSet { self.peakStreams = max(self.peakStreams, self.activeStreams) }
    }
    public private(set) var peakStreams = 0
    /// The error code of the peer's GOAWAY, once it has sent one, and of ours.
    public internal(set) var goAwayReceived: HTTP2ErrorCode?
    public internal(set) var goAwaySent: HTTP2ErrorCode?
    /// It has shown which protocol it speaks.
    public internal(set) var isEstablished = false
    /// Accepted beyond the limit of connections: it lives just long enough to be told so.
    public internal(set) var isOverLimit = false

    /// How it ended; `nil` while it lives and nothing has been done to end it. The first cause stays.
    public private(set) var end: ConnectionEnd?

    /// Notes who ended the connection, if nobody was noted before.
    func ends(by cause: ConnectionEnd) { self.end = self.end ?? cause }

    init(id: ConnectionID, listener: String, peer: SocketAddress, acceptedAt: Int64) {
        self.id = id
        self.listener = listener
        self.peer = peer
        self.peerAddress = peer.ipAddress ?? "unix"
        self.acceptedAt = acceptedAt
    }
}
