// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

// What the driver sends: requests, their bodies, resets and the farewell.
extension HTTP2ClientSession {
    /// Opens a stream.
    /// - Parameters:
    ///   - consumesAtOnce: the window is given back as bytes arrive, not by ``consumed(_:_:)``.
    ///   - token: comes back with each piece of the body.
    /// - Returns: nil when ``opensStreams`` is false.
    mutating func open(
        _ fields: HPACKHeaders, endStream: Bool, isHead: Bool, consumesAtOnce: Bool, token: UInt32 = 0
    ) -> StreamSlot? {
        guard opensStreams else { return nil }
        encoded.clear(minimumCapacity: 512)
        do {
            try encoder.encode(headers: fields, to: &encoded)
        } catch {
            return nil
        }
        var stream = HTTP2Stream(
            id: nextStreamID, sendWindow: peer.initialWindow, receiveWindow: limits.streamWindow)
        if endStream { stream.state.insert(.requestComplete) }
        if isHead { stream.state.insert(.bodiless) }
        if consumesAtOnce { stream.state.insert(.consumesAtOnce) }
        stream.token = token
        let position = table.open(stream)
        writeHeaderBlock(streamID: nextStreamID, endStream: endStream)
        nextStreamID += 2
        return table.slot(at: position)
    }

    /// Writes what is encoded, cut into CONTINUATION frames where it is larger than the peer's frames.
    private mutating func writeHeaderBlock(streamID: UInt32, endStream: Bool) {
        let limit = peer.maxFrameSize
        encoded.withUnsafeReadableBytes { block in
            var offset = 0
            repeat {
                let length = min(block.count - offset, limit)
                var flags: HTTP2Flags = endStream && offset == 0 ? .endStream : []
                if offset + length == block.count { flags.insert(.endHeaders) }
                output.append(
                    offset == 0 ? .headers : .continuation, flags, streamID,
                    payload: UnsafeRawBufferPointer(rebasing: block[offset..<offset + length]))
                offset += length
            } while offset < block.count
        }
    }

    /// Moves as much of the body into the output as windows and `room` allow; with the last byte goes END_STREAM.
    /// - Returns: whether nothing is left to do for this body.
    mutating func sendBody(_ slot: StreamSlot, _ body: inout ByteBuffer, room: Int) -> Bool {
        guard table.isCurrent(slot), isOpen else { return true }
        var room = room
        while body.readableBytes > 0 {
            let window = min(Int(table[slot.index].sendWindow), connectionSendWindow)
            let length = min(body.readableBytes, window, peer.maxFrameSize, room)
            guard length > 0 else { return false }
            let isLast = length == body.readableBytes
            body.readWithUnsafeReadableBytes { bytes in
                output.append(
                    .data, isLast ? .endStream : [], table[slot.index].id,
                    payload: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
                return length
            }
            table[slot.index].sendWindow -= Int32(length)
            connectionSendWindow -= length
            room -= length
        }
        table[slot.index].state.insert(.requestComplete)
        return true
    }

    /// Gives consumed body bytes back.
    mutating func consumed(_ slot: StreamSlot, _ count: Int) {
        guard table.isCurrent(slot), isOpen else { return }
        let count = min(max(count, 0), Int(table[slot.index].unconsumed))
        table[slot.index].unconsumed -= Int32(count)
        giveBackToStream(at: slot.index)
    }

    /// Announces what was consumed when it is half of the window.
    mutating func giveBackToStream(at position: Int32) {
        let stream = table[position]
        let returned = limits.streamWindow - Int(stream.receiveWindow) - Int(stream.unconsumed)
        guard returned * 2 >= limits.streamWindow else { return }
        table[position].receiveWindow += Int32(returned)
        output.appendWindowUpdate(stream.id, increment: returned)
    }

    /// Ends a stream by RST_STREAM (section 5.4.2); the slot is invalid afterwards.
    /// - Returns: false when it was over already.
    mutating func reset(_ slot: StreamSlot, _ code: HTTP2ErrorCode) -> Bool {
        guard table.isCurrent(slot) else { return false }
        if isOpen { output.appendReset(table[slot.index].id, code) }
        table.close(slot.index)
        return true
    }

    /// The response is whole. If the request is not, the server does not want the rest of it (section 8.1).
    mutating func complete(_ position: Int32) {
        if !table[position].state.contains(.requestComplete) {
            output.appendReset(table[position].id, .noError)
        }
        table.close(position)
    }

    /// Says goodbye; streams still open are lost.
    mutating func close() {
        if phase == .open { output.appendGoAway(lastStreamID: 0, .noError, debug: "") }
        phase = .closed
    }
}

extension HTTP2ClientSession {
    /// How far the response on a stream that still exists has come.
    func progress(of slot: StreamSlot) -> HTTPResponseProgress {
        guard table.isCurrent(slot) else { return .nothing }
        let stream = table[slot.index]
        if stream.state.contains(.headReceived) { return .body }
        return stream.informationalCount > 0 ? .partialHead : .nothing
    }
}
