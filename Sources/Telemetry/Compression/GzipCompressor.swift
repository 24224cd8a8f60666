// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import CZlib

/// Compresses to gzip, piece by piece or at once, and keeps zlib's state from one member to the next.
///
/// One owner and no lock: an actor, an event loop or a `Mutex` holds it. It is not `Sendable`, but may be sent.
public struct GzipCompressor: ~Copyable {
    /// On the heap, because zlib's state points back to it: it must never move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let chunk: UnsafeMutableBufferPointer<UInt8>

    /// What one call of zlib may write. Large enough that its own costs vanish, small enough for a cache.
    static let chunkLength = 32 * 1024

    /// - Throws: ``GzipError/outOfMemory``, and nothing else.
    public init(level: Gzip.Level = .balanced) throws(GzipError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        chunk = .allocate(capacity: Self.chunkLength)
        chunk.initialize(repeating: 0)
        guard czlib_deflate_init_gzip(stream, level.rawValue) == Z_OK else { throw .outOfMemory }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        chunk.deallocate()
    }

    /// Continues the member with `bytes`, or starts one, and appends to `output` what is finished of it so far.
    public mutating func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) throws(GzipError) {
        try run(bytes, flush: Z_NO_FLUSH, into: &output)
    }

    /// Ends the member, appends the rest of it to `output`, and is ready for the next one.
    public mutating func finish(into output: inout [UInt8]) throws(GzipError) {
        try run(UnsafeRawBufferPointer(start: nil, count: 0), flush: Z_FINISH, into: &output)
        deflateReset(stream)
    }

    /// One member with all of `bytes`. A member that was begun and not finished is dropped.
    public mutating func compress(_ bytes: UnsafeRawBufferPointer) throws(GzipError) -> [UInt8] {
        deflateReset(stream)
        var output: [UInt8] = []
        // Telemetry shrinks to a tenth or so; a wrong guess costs one growth of the array.
        output.reserveCapacity(bytes.count / 8 + 64)
        try append(bytes, to: &output)
        try finish(into: &output)
        return output
    }

    /// One member with all of `bytes`.
    public mutating func compress(_ bytes: [UInt8]) throws(GzipError) -> [UInt8] {
        try bytes.withUnsafeBufferPointer { buffer throws(GzipError) in try compress(UnsafeRawBufferPointer(buffer)) }
    }

    private mutating func run(
        _ bytes: UnsafeRawBufferPointer,
        flush: Int32,
        into output: inout [UInt8]
    ) throws(GzipError) {
        var rest = bytes[...]
        repeat {
            // zlib counts in 32 bits.
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            rest = rest.dropFirst(piece.count)
            // zlib reads through this pointer and never writes; its type says otherwise for old C.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            stream.pointee.avail_in = UInt32(piece.count)
            repeat {
                stream.pointee.next_out = chunk.baseAddress
                stream.pointee.avail_out = UInt32(chunk.count)
                // Anything but these two is a programming error by zlib.h, or memory overwritten.
                let code = deflate(stream, flush)
                guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else { throw .corrupt }
                output.append(contentsOf: chunk.prefix(chunk.count - Int(stream.pointee.avail_out)))
            } while stream.pointee.avail_out == 0
        } while !rest.isEmpty
    }
}
