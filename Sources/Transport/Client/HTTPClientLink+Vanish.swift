// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

extension HTTPClientLink {
    private var channel: any Channel {
        switch self {
        case .http1(let connection): connection.channel
        case .http2(let connection): connection.channel
        }
    }

    /// Becomes what a server sees of a client whose network is gone: no FIN, no RST, and nothing that is sent to it is
    /// acknowledged any more. A socket filter that takes no byte of any packet does that (socket(7), SO_ATTACH_FILTER)
    /// until the socket is closed.
    /// - Returns: false where the system has no such filter, or on a closed connection.
    @discardableResult
    public func vanish() -> Bool {
        #if os(Linux)
            guard let socket = DirectSocket(channel), channel.isActive else { return false }
            var instruction = FilterInstruction()
            return withUnsafeMutablePointer(to: &instruction) { filter in
                var program = FilterProgram(filter: filter)
                let size = socklen_t(MemoryLayout<FilterProgram>.size)
                return setsockopt(socket.descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, size) == 0
            }
        #else
            return false
        #endif
    }
}

#if os(Linux)
    /// `struct sock_filter` of linux/filter.h, which Glibc's module does not have: BPF_RET | BPF_K, the packet is cut
    /// to 0 bytes.
    private struct FilterInstruction {
        var code: UInt16 = 0x06
        var ifTrue: UInt8 = 0
        var ifFalse: UInt8 = 0
        var constant: UInt32 = 0
    }

    /// `struct sock_fprog` of the same.
    private struct FilterProgram {
        var length: UInt16 = 1
        var filter: UnsafeMutablePointer<FilterInstruction>
    }
#endif
