// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// What the caller sends besides DATA, and how the output leaves.

extension HTTP2ServerSession {
    /// Sends the header section of the final response.
    ///
    /// - Returns: `false` when the stream is over or had its response.
    @discardableResult
    public mutating func sendHead(
        _ slot: StreamSlot, _ head: HTTP2ResponseHead, endStream: Bool = false
    ) -> Bool {
        guard canSend(slot), !table[slot.index].state.contains(.headersSent) else { return false }
        writeHead(head, streamID: table[slot.index].id, endStream: endStream)
        table[slot.index].state.insert(.headersSent)
        if endStream { finishLocally(slot.index) }
        return true
    }

    /// Sends an interim response (1xx but 101, section 8.6), before the final one.
    @discardableResult
    public mutating func sendInformational(_ slot: StreamSlot, _ head: HTTP2ResponseHead) -> Bool {
        guard canSend(slot), !table[slot.index].state.contains(.headersSent) else { return false }
        writeHead(head, streamID: table[slot.index].id, endStream: false)
        return true
    }

    /// Ends the response. An empty DATA frame needs no window.
    @discardableResult
    public mutating func finish(_ slot: StreamSlot) -> Bool {
        guard canSend(slot), table[slot.index].state.contains(.headersSent) else { return false }
        if admitControl(HTTP2FrameHeader.byteCount) {
            output.appendHeader(length: 0, .data, .endStream, table[slot.index].id)
        }
        finishLocally(slot.index)
        return true
    }

    /// Ends the stream at once, both ways (section 5.4.2). The slot is invalid afterwards.
    @discardableResult
    public mutating func reset(_ slot: StreamSlot, _ code: HTTP2ErrorCode) -> Bool {
        guard canSend(slot) else { return false }
        sendReset(table[slot.index].id, code)
        end(slot.index, .resetByUs)
        return true
    }

    /// Gives consumed body bytes back to the peer. Not needed for a stream that is over.
    public mutating func consumed(_ slot: StreamSlot, _ count: Int) {
        guard canSend(slot) else { return }
        let count = min(max(count, 0), Int(table[slot.index].unconsumed))
        table[slot.index].unconsumed -= Int32(count)
        giveBackToConnection(count)
        giveBackToStream(at: slot.index)
    }

    /// Asks the peer for a sign of life: ``HTTP2Event/pingAcknowledged(_:)`` carries the same payload.
    public mutating func ping(_ opaque: UInt64) {
        if !isFailed, admitControl(17) { output.appendPing(opaque, ack: false) }
    }

    /// A slot that is current on a connection that lives.
    func canSend(_ slot: StreamSlot) -> Bool {
        table.isCurrent(slot) && !isFailed
    }

    mutating func sendReset(_ streamID: UInt32, _ code: HTTP2ErrorCode) {
        if admitControl(13) { output.appendReset(streamID, code) }
    }

    /// Writes a field block, cut into CONTINUATION frames where it is larger than the peer's frames.
    mutating func writeHead(_ head: HTTP2ResponseHead, streamID: UInt32, endStream: Bool) {
        do {
            try encoder.encode(head)
        } catch {
            fail(.internalError, "field block could not be encoded")
            return
        }
        guard admitControl(encoder.block.readableBytes + HTTP2FrameHeader.byteCount) else { return }
        encoder.block.withUnsafeReadableBytes { block in
            var offset = 0
            repeat {
                let length = min(block.count - offset, peer.maxFrameSize)
                var flags: HTTP2Flags = endStream && offset == 0 ? .endStream : []
                if offset + length == block.count { flags.insert(.endHeaders) }
                output.append(
                    offset == 0 ? .headers : .continuation, flags, streamID,
                    payload: UnsafeRawBufferPointer(rebasing: block[offset..<offset + length]))
                offset += length
            } while offset < block.count
        }
        encoder.releaseLargeMemory()
    }
}

// MARK: - Output

extension HTTP2ServerSession {
    /// Bytes that wait to be written or that the driver has taken and not flushed.
    public var pendingOutputBytes: Int { output.count + outputInFlight }

    /// Whether there is something to write.
    public var hasOutput: Bool { output.count > 0 }

    /// Lends the output for a direct write to the socket or to TLS; tell ``outputWritten(_:)`` what it took.
    public func withOutput<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(output.bytes)
    }

    /// That many bytes of the lent output have left.
    public mutating func outputWritten(_ count: Int) {
        output.consume(count)
        outputRefused = false
    }

    /// Copies the whole output out, for a channel's own queue; the way out when a socket takes no more. It counts
    /// against the bound until ``outputFlushed(_:)``.
    public mutating func takeOutput() -> ByteBuffer {
        let taken = ByteBuffer(bytes: output.bytes)
        outputInFlight += output.count
        output.consume(output.count)
        return taken
    }

    /// That many bytes of taken output have left.
    public mutating func outputFlushed(_ count: Int) {
        outputInFlight = max(0, outputInFlight - count)
        outputRefused = false
    }

    /// Frees the memory of the output while it is empty; for connections that have been idle for a while.
    public mutating func releaseIdleMemory() {
        output.releaseIfEmpty()
    }

    /// Whether a frame that is not DATA may still be written. If not, its peer asks and does not read, and the
    /// connection ends.
    mutating func admitControl(_ count: Int) -> Bool {
        if pendingOutputBytes + count <= configuration.maxBufferedBytes + configuration.maxControlBytes { return true }
        fail(.enhanceYourCalm, "answers are not read")
        return false
    }
}
