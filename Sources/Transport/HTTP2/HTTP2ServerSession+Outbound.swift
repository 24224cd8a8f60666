// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

// What the caller sends besides DATA, and how the output leaves.

extension HTTP2ServerSession {
    /// Sends the header section of the final response. Values that differ on each response should be added as
    /// `.nonIndexable`, or they push the useful ones out of the peer's HPACK table.
    ///
    /// - Returns: `false` when the stream is over or had its response.
    @discardableResult
    public mutating func sendHeaders(_ slot: StreamSlot, _ headers: HPACKHeaders, endStream: Bool = false) -> Bool {
        guard canSend(slot), !table[slot.index].state.contains(.headersSent) else { return false }
        writeHeaderBlock(headers, streamID: table[slot.index].id, endStream: endStream)
        table[slot.index].state.insert(.headersSent)
        if endStream { finishLocally(slot.index) }
        return true
    }

    /// Sends an interim response (1xx but 101, section 8.6), before the final one.
    @discardableResult
    public mutating func sendInformational(_ slot: StreamSlot, _ headers: HPACKHeaders) -> Bool {
        guard canSend(slot), !table[slot.index].state.contains(.headersSent) else { return false }
        writeHeaderBlock(headers, streamID: table[slot.index].id, endStream: false)
        return true
    }

    /// Sends trailer fields, which end the response. Everything before must have been accepted.
    @discardableResult
    public mutating func sendTrailers(_ slot: StreamSlot, _ headers: HPACKHeaders) -> Bool {
        guard canSend(slot), table[slot.index].state.contains(.headersSent) else { return false }
        writeHeaderBlock(headers, streamID: table[slot.index].id, endStream: true)
        finishLocally(slot.index)
        return true
    }

    /// Ends the response. An empty DATA frame needs no window.
    @discardableResult
    public mutating func finish(_ slot: StreamSlot) -> Bool {
        guard canSend(slot), table[slot.index].state.contains(.headersSent) else { return false }
        if admitControl(HTTP2FrameHeader.byteCount) {
            output.writeFrameHeader(length: 0, type: .data, flags: .endStream, streamID: table[slot.index].id)
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
        if !isFailed, admitControl(17) { output.writePing(opaque, ack: false) }
    }

    /// A slot that is current on a connection that lives.
    func canSend(_ slot: StreamSlot) -> Bool {
        table.isCurrent(slot) && !isFailed
    }

    mutating func sendReset(_ streamID: UInt32, _ code: HTTP2ErrorCode) {
        if admitControl(13) { output.writeRSTStream(streamID, code) }
    }

    /// Writes a field block straight into the output; a large one is cut into CONTINUATION frames afterwards.
    mutating func writeHeaderBlock(_ headers: HPACKHeaders, streamID: UInt32, endStream: Bool) {
        guard admitControl(HTTP2FrameHeader.byteCount) else { return }
        // HPACKEncoder grows a full buffer in small steps; room for a usual response spares them.
        output.reserveCapacity(minimumWritableBytes: 1_024)
        let start = output.writerIndex
        output.writeFrameHeader(length: 0, type: .headers, flags: [], streamID: streamID)
        do {
            try encoder.encode(headers: headers, to: &output)
        } catch {
            // It throws when a block is open already, which cannot be: blocks are written in one call.
            output.moveWriterIndex(to: start)
            fail(.internalError, "field block could not be encoded")
            return
        }
        let flags: HTTP2Flags = endStream ? .endStream : []
        let length = output.writerIndex - start - HTTP2FrameHeader.byteCount
        guard length > peer.maxFrameSize else {
            output.setFrameHeader(
                at: start, length: length, type: .headers, flags: flags.union(.endHeaders), streamID: streamID)
            return
        }
        splitHeaderBlock(from: start, length: length, flags: flags, streamID: streamID)
    }

    private mutating func splitHeaderBlock(from start: Int, length: Int, flags: HTTP2Flags, streamID: UInt32) {
        guard var block = output.getSlice(at: start + HTTP2FrameHeader.byteCount, length: length) else { return }
        output.moveWriterIndex(to: start)
        var type = HTTP2FrameType.headers
        while let fragment = block.readSlice(length: min(block.readableBytes, peer.maxFrameSize)) {
            var frameFlags = type == .headers ? flags : []
            if block.readableBytes == 0 { frameFlags.insert(.endHeaders) }
            output.writeFrameHeader(
                length: fragment.readableBytes, type: type, flags: frameFlags, streamID: streamID)
            output.writeImmutableBuffer(fragment)
            type = .continuation
            if block.readableBytes == 0 { return }
        }
    }
}

// MARK: - Output

extension HTTP2ServerSession {
    /// Bytes that wait to be written or that the driver has taken and not flushed.
    public var pendingOutputBytes: Int { output.readableBytes + outputInFlight }

    /// Whether there is something to write.
    public var hasOutput: Bool { output.readableBytes > 0 }

    /// Lends the output for a direct write to the socket; tell ``outputWritten(_:)`` what it took.
    public func withOutput<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try output.withUnsafeReadableBytes(body)
    }

    /// That many bytes of the lent output have left.
    public mutating func outputWritten(_ count: Int) {
        guard count > 0 else { return }
        output.moveReaderIndex(forwardBy: min(count, output.readableBytes))
        if output.readableBytes == 0 {
            output.clear()
        } else if output.readerIndex >= configuration.maxBufferedBytes / 2 {
            output.discardReadBytes()
        }
        outputRefused = false
    }

    /// Hands over the whole output, for a channel's own queue. It counts against the bound until
    /// ``outputFlushed(_:)``.
    public mutating func takeOutput() -> ByteBuffer {
        let taken = output
        outputInFlight += taken.readableBytes
        output = ByteBuffer()
        return taken
    }

    /// That many bytes of taken output have left.
    public mutating func outputFlushed(_ count: Int) {
        outputInFlight = max(0, outputInFlight - count)
        outputRefused = false
    }

    /// Frees the memory of the output buffer while it is empty; for connections that have been idle for a while.
    public mutating func releaseIdleMemory() {
        if output.readableBytes == 0, output.storageCapacity > 0 { output = ByteBuffer() }
    }

    /// Whether a frame that is not DATA may still be written. If not, its peer asks and does not read, and the
    /// connection ends.
    mutating func admitControl(_ count: Int) -> Bool {
        if pendingOutputBytes + count <= configuration.maxBufferedBytes + configuration.maxControlBytes { return true }
        fail(.enhanceYourCalm, "answers are not read")
        return false
    }
}
