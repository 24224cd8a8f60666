// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import NIOCore

/// Where OpenSSL puts its bytes for the peer: kept in memory until somebody takes them or, while it is connected to a
/// socket, handed to the kernel out of OpenSSL's own buffer, without a copy. Owns one reference to its BIO, which must
/// not be written to any more when this is gone.
///
/// Nothing is lost and nothing overtakes: what the kernel does not take is kept, and keeping disconnects, so that all
/// that comes behind is kept too. Bound: what its owner encrypts between two looks at ``hasOutput``.
///
/// Without the checks for exclusive access, which every event would pay for: OpenSSL calls in while its owner waits for
/// it, and nothing is lent to anyone.
final class OutgoingBIO {
    let pointer: OpaquePointer
    /// The socket, or ``none``.
    @exclusivity(unchecked) private var descriptor = OutgoingBIO.none
    @exclusivity(unchecked) private var kept = ByteBuffer()
    /// What the kernel said when it refused bytes for good; 0 if it never did.
    @exclusivity(unchecked) private(set) var failure: CInt = 0

    private static let none: CInt = -1

    init() throws(TLSError) {
        guard let method = Self.method, let pointer = BIO_new(method) else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        self.pointer = pointer
        BIO_set_data(pointer, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(pointer, 1)
    }

    deinit {
        BIO_free(pointer)
    }

    /// Whether bytes wait to be taken.
    var hasOutput: Bool { kept.readableBytes > 0 }

    @inline(__always)
    var isConnected: Bool { descriptor != Self.none }

    /// - Precondition: nothing waits, here or on its way to the socket. The descriptor's owner says until when.
    func connect(to descriptor: CInt) { self.descriptor = descriptor }

    func disconnect() { descriptor = Self.none }

    /// Makes room for what will be kept, so that it is not moved while it grows.
    func reserve(_ count: Int) { kept.reserveCapacity(minimumWritableBytes: count) }

    /// Takes all that was kept.
    func takeOutput() -> ByteBuffer {
        let output = kept
        kept = ByteBuffer()
        return output
    }

    @inline(__always)
    private func accept(_ bytes: UnsafeRawBufferPointer) {
        guard isConnected else { return keep(bytes) }
        switch DirectSocket.write(bytes, to: descriptor) {
        case .wrote(bytes.count): break
        case .wrote(let count), .buffered(let count): keep(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count)))
        case .failed(let code):
            failure = code
            keep(bytes)
        }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer) {
        disconnect()
        kept.writeBytes(bytes)
    }

    /// Made once, and never changed or freed.
    nonisolated(unsafe) private static let method: OpaquePointer? = {  // proven: above
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "outgoing")
        BIO_meth_set_write_ex(method) { bio, start, count, written in
            guard let object = BIO_get_data(bio) else { return 0 }
            Unmanaged<OutgoingBIO>.fromOpaque(object)
                ._withUnsafeGuaranteedRef { $0.accept(UnsafeRawBufferPointer(start: start, count: count)) }
            written?.pointee = count
            return 1
        }
        // OpenSSL flushes at the end of each flight; there is nothing to wait for. All other questions mean "no" by 0.
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()
}
