// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// How glibc's malloc is told to keep less, and asked to give back what a storm of streams leaves behind. Each thread
// has an arena of its own, which grows by the page and, left alone, never shrinks: its thresholds follow the largest
// block that was ever freed, which after a storm are megabytes. Nothing of this is called on a delivery.

import CMalloc
import Logging
import Transport

#if canImport(Glibc)
    import Glibc
#endif

/// The process's heap. Without glibc all of it does nothing.
public enum Heap {
    /// Larger blocks, which are tables, are the kernel's as soon as they are freed. Smaller ones would make an array
    /// that grows pay for fresh pages too often.
    private static let mapThreshold = 1 << 20
    /// What the end of an arena keeps: enough for what comes and goes with a request.
    private static let keptAtEnd = 256 << 10
    /// Half of the 64 MiB that glibc has for an arena's first part: some 7,000 streams over HTTP/1.1.
    private static let reserved = 32 << 20

    /// Before the first thread is started.
    public static func configure() {
        #if canImport(Glibc)
            mallopt(M_MMAP_THRESHOLD, CInt(Self.mapThreshold))
            mallopt(M_TRIM_THRESHOLD, CInt(2 * Self.keptAtEnd))
            mallopt(M_TOP_PAD, CInt(Self.keptAtEnd))
        #endif
    }

    /// Makes the address space that the calling thread's arena will grow into writable at once. glibc does it page by
    /// page, with an mprotect(2) for each, which is one for every stream. No memory is taken: what is touched here is
    /// given back right away.
    static func reserve() {
        #if canImport(Glibc)
            let size = Self.mapThreshold / 2
            let blocks = (0..<Self.reserved / size).map { _ in malloc(size) }
            for block in blocks.reversed() { free(block) }
        #endif
    }

    /// Gives back every free page of all arenas but those at their ends. Holds an arena's lock meanwhile, six
    /// milliseconds after ten thousand streams, in which its thread cannot allocate; a fan-out does not. Not on an
    /// event loop.
    static func giveBack() {
        #if canImport(Glibc)
            _ = malloc_trim(0)
        #endif
    }

    /// Gives back the end of the calling thread's arena, which only a block that is freed next to it can bring about.
    static func giveBackTop() {
        #if canImport(Glibc)
            cmalloc_allocate_and_free(Self.mapThreshold / 2)
        #endif
    }
}

extension OriginShared {
    /// After a storm; from a task, which this holds up.
    func giveBackMemory(_ directory: ShardDirectory) async {
        let began = Clock.monotonic()
        Heap.giveBack()
        let ended = Clock.monotonic()
        _ = try? await directory.collect { _ in Heap.giveBackTop() }
        Heap.giveBackTop()
        self.logger.debug(
            "memory given back", metadata: ["seconds": "\(Milliseconds(ended - began))"]
        )
    }
}
