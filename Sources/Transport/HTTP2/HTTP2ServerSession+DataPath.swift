// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// The path of every delivered event. One tick of a busy connection comes here ten thousand times: no allocation, no
// closure, no hashing; a check of the slot, nine octets and a copy.

extension HTTP2ServerSession {
    /// Sends bytes on a stream, in DATA frames as its windows and the peer's frame size allow.
    ///
    /// A message is not cut for want of room in the output, unless it alone is larger than the bound; it is cut at the
    /// end of a window, because a peer may open a window only when it is used up. So the caller remembers where in its
    /// message it is (``AppendOutcome/partial(_:)``).
    ///
    /// Anything but `accepted` and `closed` puts the stream in line: ``nextWritable()`` names it when it can go on.
    ///
    /// - Parameter endStream: ends the response with the last byte; the slot is invalid once all is accepted.
    public mutating func appendData(
        _ slot: StreamSlot, _ bytes: UnsafeRawBufferPointer, endStream: Bool = false
    ) -> AppendOutcome {
        if !endStream, appendAtOnce(slot, bytes) { return .accepted }
        guard table.isCurrent(slot) else { return .closed }
        return appendSlowly(slot.index, bytes, endStream: endStream)
    }

    /// Sends bytes in one DATA frame if nothing at all is in the way; else does nothing and returns `false`.
    @inline(__always)
    mutating func appendAtOnce(_ slot: StreamSlot, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let count = bytes.count
        guard count > 0, count <= connectionSendWindow, count <= peer.maxFrameSize,
            count + HTTP2FrameHeader.byteCount + pendingOutputBytes <= configuration.maxBufferedBytes,
            waiting.isEmpty || turn == slot.index, !isFailed, let id = table.takeWindow(slot, count)
        else { return false }
        connectionSendWindow -= count
        counters.dataFrames += 1
        output.append(.data, [], id, payload: bytes)
        return true
    }

    /// How many bytes ``appendData(_:_:endStream:)`` would take now, were the message that long.
    public func writableBytes(_ slot: StreamSlot) -> Int {
        guard canSend(slot), table[slot.index].state.contains(.headersSent), waiting.isEmpty || turn == slot.index
        else { return 0 }
        let room = configuration.maxBufferedBytes - pendingOutputBytes
        let frames = room / (HTTP2FrameHeader.byteCount + peer.maxFrameSize) + 1
        return max(
            0, min(Int(table[slot.index].sendWindow), connectionSendWindow, room - frames * HTTP2FrameHeader.byteCount))
    }

    /// Whether the peer's windows alone keep this stream from sending.
    func waitsForWindow(_ slot: StreamSlot) -> Bool {
        table.isCurrent(slot) && (connectionSendWindow <= 0 || table[slot.index].sendWindow <= 0)
    }

    /// The stream that has been waiting for the longest and may write now; it is its turn until the next call.
    ///
    /// Call it until it returns `nil`, after events were processed and after output was written. In between, streams
    /// that are not in line get ``AppendOutcome/bufferFull``: nobody overtakes.
    public mutating func nextWritable() -> StreamSlot? {
        turn = -1
        guard !outputRefused, !isFailed, !waiting.isEmpty else { return nil }
        guard connectionSendWindow > 0 else {
            stallConnection()
            return nil
        }
        let position = waiting.first
        waiting.remove(position, in: &table)
        table[position].state.remove(.queued)
        turn = position
        return table.slot(at: position)
    }

    /// Everything that the fast path does not cover.
    @inline(never)
    private mutating func appendSlowly(
        _ position: Int32, _ bytes: UnsafeRawBufferPointer, endStream: Bool
    ) -> AppendOutcome {
        guard table[position].state.contains(.headersSent), !isFailed else { return .closed }
        if bytes.isEmpty {
            if endStream { finish(table.slot(at: position)) }
            return .accepted
        }
        let hasTurn = turn == position
        guard waiting.isEmpty || hasTurn else {
            // A stream that waits for its own window stays out of the line; it would only be passed over.
            if table[position].sendWindow <= 0 { return stall(position) }
            enqueue(position, first: false)
            return connectionSendWindow <= 0 ? .noConnectionWindow : .bufferFull
        }
        guard table[position].sendWindow > 0 else { return stall(position) }
        guard connectionSendWindow > 0 else {
            stallConnection()
            enqueue(position, first: hasTurn)
            return .noConnectionWindow
        }
        let allowed = min(bytes.count, Int(table[position].sendWindow), connectionSendWindow)
        let sendable = fitting(allowed)
        guard sendable > 0 else {
            counters.bufferWaits += 1
            outputRefused = true
            enqueue(position, first: hasTurn)
            return .bufferFull
        }
        let isLast = sendable == bytes.count
        write(
            UnsafeRawBufferPointer(start: bytes.baseAddress, count: sendable), at: position,
            endStream: endStream && isLast)
        guard !isLast else {
            if endStream { finishLocally(position) }
            return .accepted
        }
        if sendable < 64, sendable == allowed { crumbs += 1 }
        waitForMore(position)
        return .partial(sendable)
    }

    /// What of `count` bytes the output has room for: all of it, or nothing, or a share of what no room will ever hold.
    private func fitting(_ count: Int) -> Int {
        let frames = (count - 1) / peer.maxFrameSize + 1
        let room = configuration.maxBufferedBytes - pendingOutputBytes
        let needed = count + frames * HTTP2FrameHeader.byteCount
        if needed <= room { return count }
        guard needed > configuration.maxBufferedBytes else { return 0 }
        // Not in crumbs: only once most of the output is free.
        guard room * 2 > configuration.maxBufferedBytes else { return 0 }
        return max(0, room - (room / peer.maxFrameSize + 1) * HTTP2FrameHeader.byteCount)
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer, at position: Int32, endStream: Bool) {
        let id = table[position].id
        var offset = 0
        while offset < bytes.count {
            let length = min(bytes.count - offset, peer.maxFrameSize)
            let isLast = offset + length == bytes.count
            output.append(
                .data, endStream && isLast ? .endStream : [], id,
                payload: UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + offset }, count: length))
            counters.dataFrames += 1
            offset += length
        }
        table[position].sendWindow -= Int32(bytes.count)
        connectionSendWindow -= bytes.count
    }

    /// After a partial write: the first thing that is missing decides where the stream waits.
    private mutating func waitForMore(_ position: Int32) {
        if table[position].sendWindow <= 0 {
            _ = stall(position)
        } else {
            if connectionSendWindow <= 0 { stallConnection() } else { outputRefused = true }
            // It has been served: to the end of the line.
            enqueue(position, first: false)
        }
    }

    private mutating func enqueue(_ position: Int32, first: Bool) {
        if turn == position { turn = -1 }
        guard !table[position].state.contains(.queued) else { return }
        table[position].state.insert(.queued)
        if first {
            waiting.prepend(position, in: &table)
        } else {
            waiting.append(position, in: &table)
        }
    }

    /// The stream has something to send and no window. It leaves the line, and the time begins to count.
    private mutating func stall(_ position: Int32) -> AppendOutcome {
        if turn == position { turn = -1 }
        if table[position].state.contains(.queued) {
            waiting.remove(position, in: &table)
            table[position].state.remove(.queued)
        }
        if !table[position].state.contains(.stalled) {
            table[position].state.insert(.stalled)
            table[position].since = now
            table[position].stallCount &+= 1
            counters.streamStalls.count &+= 1
        }
        return .noStreamWindow
    }

    /// The peer opened the window: the stream gets in line.
    mutating func unstall(_ position: Int32) {
        guard table[position].state.contains(.stalled) else { return }
        settleStall(at: position)
        enqueue(position, first: false)
    }

    mutating func settleStall(at position: Int32) {
        guard table[position].state.contains(.stalled) else { return }
        let nanoseconds = now - table[position].since
        table[position].state.remove(.stalled)
        table[position].stallNanoseconds += nanoseconds
        counters.streamStalls.nanoseconds += nanoseconds
    }

    private mutating func stallConnection() {
        guard connectionStalledSince == nil else { return }
        connectionStalledSince = now
        counters.connectionStalls.count &+= 1
    }
}
