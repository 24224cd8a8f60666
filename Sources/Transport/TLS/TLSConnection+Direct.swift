// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// The short way from a fan-out through TLS to the socket: no buffer, no promise and no reference count in between.
extension TLSConnection {
    /// Encrypts and sends, or returns `nil` if the gate is shut. Never blocks. After anything but `.wrote` of all bytes
    /// the gate is shut, and what the socket did not take waits in the output.
    ///
    /// It goes record by record, so that no more than one of them waits when the socket is full.
    func writeThroughGate(_ bytes: UnsafeRawBufferPointer) -> WriteOutcome? {
        guard outgoing.isConnected, let start = bytes.baseAddress else { return nil }
        var taken = 0
        while taken < bytes.count {
            var count = 0
            // The error queue is not cleared before, which costs more than it is worth here: nobody reads it after.
            guard SSL_write_ex(ssl, start + taken, min(bytes.count - taken, Self.recordLimit), &count) == 1 else {
                OpenSSLErrorQueue.clear()
                outgoing.disconnect()
                return .failed(errno: EPROTO)
            }
            taken += count
            guard outgoing.isConnected else {
                return outgoing.failure == 0 ? .buffered(taken) : .failed(errno: outgoing.failure)
            }
        }
        return .wrote(taken)
    }
}
