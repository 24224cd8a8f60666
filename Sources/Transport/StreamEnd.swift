// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// How a stream ended without our doing, as far as the socket or the protocol shows it. It is evidence, not a
// verdict: intermediaries use the same signals for different causes.

/// What the other side, or the network, did to end a stream.
public struct StreamEnd: Sendable, Equatable {
    public enum Cause: Sendable, Equatable {
        /// TCP FIN: the peer ended its sending side.
        case fin
        /// TCP RST, seen while reading.
        case reset
        /// A write failed; the `errno`. `EPIPE` and `ECONNRESET` mean that the peer had gone before.
        case writeFailed(Int32)
        /// The network gave up: `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`.
        case timedOut(Int32)
        /// The peer sent so many bytes behind an open HTTP/1.1 stream that we ended it.
        case inputOverflow
        /// The peer reset this HTTP/2 stream with this error code (RFC 9113, section 7).
        case rstStream(UInt32)
        /// The HTTP/2 connection ended after the peer's GOAWAY with this code and debug data.
        case goAway(UInt32, debug: String)
        /// The TCP connection ended under open HTTP/2 streams, without a GOAWAY.
        case tcpEndUnderOpenStreams(isReset: Bool)
        /// The peer broke HTTP/2's rules, and we ended the stream or the connection with this code.
        case violation(UInt32)
    }

    public let cause: Cause
    /// The socket's state at the end, where it could still be asked.
    public let socket: SocketSample?
}
