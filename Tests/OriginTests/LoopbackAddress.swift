// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

extension SocketAddress {
    /// Some peer, for tests that do not care which.
    static var loopback: SocketAddress {
        // Four bytes of an address and a port always make one.
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 1) else { return .anyUnix }
        return address
    }

    private static var anyUnix: SocketAddress { SocketAddress(sockaddr_un()) }
}
