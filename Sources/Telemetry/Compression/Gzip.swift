// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Gzip (RFC 1952) in memory, through zlib: whole bodies of requests and responses, compressed and decompressed.
///
/// It is no stream over a socket: what is compressed here is bounded by its producer, and what is decompressed by the
/// limit that the caller states. The output is deterministic: the header carries no time and no name.
public enum Gzip {
    /// How much time to spend for how few bytes; zlib's levels 1, 6 and 9.
    public enum Level: Int32, Sendable {
        case fastest = 1
        case balanced = 6
        case smallest = 9
    }

    /// One gzip member with `bytes`. Who compresses again and again keeps a ``GzipCompressor`` instead, which saves
    /// the 256 KiB of state that zlib allocates and clears for each.
    ///
    /// - Throws: ``GzipError/outOfMemory``, and nothing else.
    public static func compress(
        _ bytes: UnsafeRawBufferPointer,
        level: Level = .balanced
    ) throws(GzipError) -> [UInt8] {
        var compressor = try GzipCompressor(level: level)
        return try compressor.compress(bytes)
    }

    /// One gzip member with `bytes`.
    public static func compress(_ bytes: [UInt8], level: Level = .balanced) throws(GzipError) -> [UInt8] {
        var compressor = try GzipCompressor(level: level)
        return try compressor.compress(bytes)
    }

    /// What the gzip members in `bytes` hold, one after the other (RFC 1952, section 2.2).
    ///
    /// - Parameters:
    ///   - bytes: One complete member or more, and nothing after them.
    ///   - limit: The most bytes that may come out. Memory and time are bounded by it and by `bytes`, whatever the
    ///     input claims: a gzip bomb costs no more than `limit` and one chunk.
    public static func decompress(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(GzipError) -> [UInt8] {
        var decompressor = try GzipDecompressor()
        return try decompressor.decompress(bytes, limit: limit)
    }

    /// What the gzip members in `bytes` hold, at most `limit` bytes.
    public static func decompress(_ bytes: [UInt8], limit: Int) throws(GzipError) -> [UInt8] {
        var decompressor = try GzipDecompressor()
        return try bytes.withUnsafeBufferPointer { buffer throws(GzipError) in
            try decompressor.decompress(UnsafeRawBufferPointer(buffer), limit: limit)
        }
    }
}

/// Why bytes could not be compressed or decompressed.
public enum GzipError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not gzip, or a member is followed by bytes that are not.
    case notGzip
    /// The deflate stream, the checksum or the length of a member is wrong.
    case corrupt
    /// The bytes end within a member; none at all is this too.
    case truncated
    /// More than this limit would come out.
    case tooLarge(limit: Int)
    /// zlib could not allocate its state.
    case outOfMemory

    public var description: String {
        switch self {
        case .notGzip: "the bytes are not gzip"
        case .corrupt: "the gzip stream is corrupt"
        case .truncated: "the gzip stream ends too early"
        case .tooLarge(let limit): "the gzip stream holds more than the \(limit) bytes allowed"
        case .outOfMemory: "zlib could not allocate memory"
        }
    }
}
