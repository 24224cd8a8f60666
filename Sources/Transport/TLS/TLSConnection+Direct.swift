// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// The short way from a fan-out through TLS to the socket: no queue, no promise and no reference count in between.
extension TLSConnection {
    /// Encrypts and sends, or returns `nil` if the gate is shut. Never blocks. After anything but `.wrote` of all bytes
    /// the gate is shut, and what the socket did not take waits in the output.
    ///
    /// It goes record by record, so that no more than one of them waits when the socket is full.
    func writeThroughGate(_ bytes: UnsafeRawBufferPointer) -> WriteOutcome? {
        guard outgoing.isConnected else { return nil }
        var taken = 0
        while taken < bytes.count {
            guard encryptRecord(of: bytes, &taken) else { return .failed(errno: EPROTO) }
            guard outgoing.isConnected else { return interrupted(after: taken) }
        }
        return .wrote(taken)
    }

    /// The error queue is not cleared before, which costs more than it is worth here: nobody reads it after.
    @inline(__always)
    private func encryptRecord(of bytes: UnsafeRawBufferPointer, _ taken: inout Int) -> Bool {
        guard let start = bytes.baseAddress else { return false }
        var count = 0
        guard SSL_write_ex(ssl, start + taken, min(bytes.count - taken, Self.recordLimit), &count) == 1 else {
            OpenSSLErrorQueue.clear()
            outgoing.disconnect()
            return false
        }
        taken += count
        return true
    }

    private func interrupted(after taken: Int) -> WriteOutcome {
        outgoing.failure == 0 ? .buffered(taken) : .failed(errno: outgoing.failure)
    }
}
