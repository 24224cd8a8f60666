// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// Plaintext that waits to be encrypted, gathered so that many small writes become few full records.
///
/// Bounded by its owner: while the connection is open, full records are taken as soon as they are there, so that less
/// than 16 KiB wait for the flush; before that, `TLSHandler.heldBytesLimit` holds.
struct TLSWriteStage {
    /// A promise, and how many of the staged bytes have to be taken until its write is complete.
    private struct Waiting {
        var bytes: Int
        let promise: EventLoopPromise<Void>
    }

    private var buffer = ByteBuffer()
    private var waiting: [Waiting] = []

    var count: Int { buffer.readableBytes }

    var isEmpty: Bool { count == 0 && waiting.isEmpty }

    /// A write alone is kept as it is; a second one is copied behind it.
    mutating func append(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>?) {
        if count == 0 {
            buffer = bytes
        } else {
            buffer.writeImmutableBuffer(bytes)
        }
        if let promise {
            waiting.append(Waiting(bytes: count, promise: promise))
        }
    }

    /// Takes the first `limit` bytes, or all, with the promises of the writes that end in them.
    mutating func take(upTo limit: Int) -> (bytes: ByteBuffer, promises: [EventLoopPromise<Void>]) {
        let length = min(limit, count)
        let bytes = buffer.readSlice(length: length) ?? ByteBuffer()
        if count == 0 {
            // An idle connection must not keep the last writer's memory alive.
            buffer = ByteBuffer()
        }
        let complete = waiting.prefix { $0.bytes <= length }
        let promises = complete.map(\.promise)
        waiting.removeFirst(complete.count)
        for index in waiting.indices {
            waiting[index].bytes -= length
        }
        if waiting.isEmpty { waiting = [] }
        return (bytes, promises)
    }

    /// Drops everything, and returns the promises to fail.
    mutating func drop() -> [EventLoopPromise<Void>] {
        take(upTo: .max).promises
    }
}
