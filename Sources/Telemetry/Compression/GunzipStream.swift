// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import CZlib

/// Gunzips a body that arrives piece by piece, and hands out at once what each piece holds: for a response that an
/// intermediary has compressed on its way.
///
/// A class because zlib's state must not be copied; for one task at a time. Memory is zlib's window of 32 KiB and one
/// chunk: what comes out goes to the caller chunk by chunk, so a gzip bomb fills nothing here.
public final class GunzipStream {
    private let stream: UnsafeMutablePointer<z_stream>
    private let chunk: UnsafeMutableBufferPointer<UInt8>
    private var isBetweenMembers = true

    public init() throws(GzipError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        chunk = .allocate(capacity: 16_384)
        chunk.initialize(repeating: 0)
        guard czlib_inflate_init_gzip(stream) == Z_OK else {
            stream.deallocate()
            chunk.deallocate()
            throw .outOfMemory
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        chunk.deallocate()
    }

    /// Gives all that `piece` completes to `receive`, in chunks that are valid during the call.
    /// - Throws: `.notGzip`, `.corrupt` or `.outOfMemory`; the stream cannot go on then.
    public func decompress(
        _ piece: UnsafeRawBufferPointer,
        into receive: (UnsafeRawBufferPointer) -> Void
    ) throws(GzipError) {
        // zlib counts in 32 bits.
        var rest = piece[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            rest = rest.dropFirst(part.count)
            try inflateAll(part, into: receive)
        }
    }

    private func inflateAll(
        _ piece: UnsafeRawBufferPointer,
        into receive: (UnsafeRawBufferPointer) -> Void
    ) throws(GzipError) {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(piece.count)
        repeat {
            if isBetweenMembers, stream.pointee.avail_in > 0 {
                inflateReset(stream)
                isBetweenMembers = false
            }
            stream.pointee.next_out = chunk.baseAddress
            stream.pointee.avail_out = UInt32(chunk.count)
            let code = inflate(stream, Z_SYNC_FLUSH)
            let produced = chunk.count - Int(stream.pointee.avail_out)
            if produced > 0 { receive(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(chunk)[..<produced])) }
            switch code {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isBetweenMembers = true
            case Z_MEM_ERROR: throw .outOfMemory
            default: throw stream.pointee.total_in < 10 && produced == 0 ? .notGzip : .corrupt
            }
        } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
    }
}
