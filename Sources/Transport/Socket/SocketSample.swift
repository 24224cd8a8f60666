// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What the kernel knows of a TCP connection: asked at a stream's end and for the live tables, never per event.

import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// One look at a socket's state.
public struct SocketSample: Sendable, Equatable {
    /// Bytes handed to the kernel and not yet acknowledged by the peer's TCP (`SIOCOUTQ`, tcp(7)).
    public var unacknowledgedBytes: Int
    /// The part of them that was not even sent yet (`SIOCOUTQNSD`).
    public var unsentBytes: Int
    /// Smoothed round-trip time in microseconds (`TCP_INFO`).
    public var roundTripMicroseconds: Int

    /// `nil` when the descriptor is no TCP socket any more.
    static func take(from descriptor: CInt) -> SocketSample? {
        #if os(Linux)
            // From linux/sockios.h, which Swift's Glibc overlay does not import.
            let outstanding: UInt = 0x5411
            let notSent: UInt = 0x894B
            var unacknowledged: CInt = 0
            var unsent: CInt = 0
            guard ioctl(descriptor, outstanding, &unacknowledged) == 0, ioctl(descriptor, notSent, &unsent) == 0 else {
                return nil
            }
            var tcp = tcp_info()
            var length = socklen_t(MemoryLayout<tcp_info>.size)
            let found = getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &tcp, &length) == 0
            return SocketSample(
                unacknowledgedBytes: Int(unacknowledged),
                unsentBytes: Int(unsent),
                roundTripMicroseconds: found ? Int(tcp.tcpi_rtt) : 0
            )
        #else
            return nil
        #endif
    }
}
