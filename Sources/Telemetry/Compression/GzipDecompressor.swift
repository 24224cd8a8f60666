// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import CZlib

/// One decompression within a bound; see ``Gzip/decompress(_:limit:)-swift.type.method``.
struct GzipDecompressor: ~Copyable {
    /// On the heap, because zlib's state points back to it: it must never move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let chunk: UnsafeMutableBufferPointer<UInt8>

    init() throws(GzipError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        chunk = .allocate(capacity: GzipCompressor.chunkLength)
        chunk.initialize(repeating: 0)
        guard czlib_inflate_init_gzip(stream) == Z_OK else { throw .outOfMemory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        chunk.deallocate()
    }

    mutating func decompress(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(GzipError) -> [UInt8] {
        var output: [UInt8] = []
        var rest = bytes[...]
        repeat {
            inflateReset(stream)
            try decompressMember(&rest, limit: limit, into: &output)
        } while !rest.isEmpty
        return output
    }

    private mutating func decompressMember(
        _ rest: inout Slice<UnsafeRawBufferPointer>,
        limit: Int,
        into output: inout [UInt8]
    ) throws(GzipError) {
        var headerIsRead = false
        while true {
            // zlib counts in 32 bits.
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            stream.pointee.avail_in = UInt32(piece.count)
            stream.pointee.next_out = chunk.baseAddress
            stream.pointee.avail_out = UInt32(chunk.count)
            let code = inflate(stream, Z_NO_FLUSH)
            rest = rest.dropFirst(piece.count - Int(stream.pointee.avail_in))
            let produced = chunk.count - Int(stream.pointee.avail_out)
            if produced > limit - output.count { throw .tooLarge(limit: limit) }
            output.append(contentsOf: chunk.prefix(produced))
            // The first ten octets are the fixed part of the header: what fails before them was never gzip.
            headerIsRead = headerIsRead || produced > 0 || stream.pointee.total_in >= 10
            switch code {
            case Z_STREAM_END: return
            case Z_OK where produced > 0 || !rest.isEmpty: continue
            // No progress is possible: the input has ended, the member has not.
            case Z_OK, Z_BUF_ERROR: throw .truncated
            case Z_MEM_ERROR: throw .outOfMemory
            default: throw headerIsRead ? .corrupt : .notGzip
            }
        }
    }
}
