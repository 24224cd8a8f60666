// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import NIOCore

/// One end of an in-memory pipe that OpenSSL reads from or writes to. Owns one reference to its BIO.
final class MemoryBIO {
    /// A buffer above this is freed when it runs empty. Below lie the records of single small events, for which freeing
    /// and allocating again each time would cost more than the bytes are worth.
    static let idleCapacity = 512

    let pointer: OpaquePointer

    init() throws(TLSError) {
        guard let pointer = BIO_new(BIO_s_mem()) else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        copenssl_bio_set_retry_when_empty(pointer)
        self.pointer = pointer
    }

    deinit {
        BIO_free(pointer)
    }

    /// The bytes that wait to be read.
    var count: Int {
        BIO_ctrl_pending(pointer)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        var written = 0
        guard bytes.isEmpty || (BIO_write_ex(pointer, bytes.baseAddress, bytes.count, &written) == 1) else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
    }

    /// Moves all waiting bytes to the end of `buffer`.
    func drain(into buffer: inout ByteBuffer) {
        let count = count
        guard count > 0 else { return }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            max(0, Int(BIO_read(pointer, space.baseAddress, Int32(clamping: count))))
        }
    }

    /// All waiting bytes; for small things such as names and PEM text.
    func takeBytes() -> [UInt8] {
        let count = count
        return [UInt8](unsafeUninitializedCapacity: count) { space, initialized in
            initialized = max(0, Int(BIO_read(pointer, space.baseAddress, Int32(clamping: count))))
        }
    }

    /// Frees the buffer when nothing is in it and it has grown.
    func releaseIdleCapacity() {
        guard copenssl_bio_capacity(pointer) > Self.idleCapacity, count == 0 else { return }
        if copenssl_bio_release(pointer) == 1 {
            copenssl_bio_set_retry_when_empty(pointer)
        }
    }
}
