// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Memory for the messages of one batch: taken piece by piece, given back all at once, kept for the next batch.
///
/// Only for C's types, which nobody has to destroy. What is taken is not initialised, never moves, and is valid until
/// ``reset()``. Bounded by what the batches need; after an unusually large one the surplus is given back.
struct OTLPArena: ~Copyable {
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var next: UnsafeMutableRawPointer
    private var end: UnsafeMutableRawPointer

    /// Room for some hundred spans with ten attributes each.
    private static let chunkLength = 1 << 20
    private static let alignment = 16

    init() {
        let first = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkLength, alignment: Self.alignment)
        chunks = [first]
        // Allocating never returns nil, so a buffer that is not empty has a base address.
        next = first.baseAddress.unsafelyUnwrapped
        end = next + first.count
    }

    deinit {
        for chunk in chunks { chunk.deallocate() }
    }

    @inline(__always)
    mutating func take<Element>(_: Element.Type, count: Int = 1) -> UnsafeMutablePointer<Element> {
        bytes(count &* MemoryLayout<Element>.stride).bindMemory(to: Element.self, capacity: count)
    }

    /// A copy of text, for as long as the arena is not reset.
    @inline(__always)
    mutating func copy(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeMutablePointer<UInt8>? {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return nil }
        let copy = take(UInt8.self, count: bytes.count)
        copy.initialize(from: source, count: bytes.count)
        return copy
    }

    mutating func reset() {
        while chunks.count > 1 { chunks.removeLast().deallocate() }
        next = chunks[0].baseAddress.unsafelyUnwrapped
        end = next + chunks[0].count
    }

    @inline(__always)
    private mutating func bytes(_ count: Int) -> UnsafeMutableRawPointer {
        let rounded = (count &+ (Self.alignment &- 1)) & ~(Self.alignment &- 1)
        if end - next < rounded { grow(rounded) }
        let taken = next
        next += rounded
        return taken
    }

    @inline(never)
    private mutating func grow(_ needed: Int) {
        let length = max(Self.chunkLength, needed)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: Self.alignment)
        chunks.append(chunk)
        next = chunk.baseAddress.unsafelyUnwrapped
        end = next + length
    }
}
