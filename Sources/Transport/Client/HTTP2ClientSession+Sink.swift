// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// The short way of a DATA frame: from the read's bytes to the sink, with no event, slice or reference count of its own.
// Whatever is not plain content of an open stream is left in the input, for `nextEvent()` and all its rules.
extension HTTP2ClientSession {
    /// Gives the sink all plain DATA frames at the beginning of the input, up to the first frame that is anything else.
    mutating func deliverContent(to sink: any HTTPBodySink, arrival: HTTPArrival) {
        guard phase == .open, headerBlock == nil, pendingEvents.isEmpty else { return }
        if input.readableBytes == 0, following.readableBytes > 0 {
            input = following
            following = ByteBuffer()
        }
        // A copy of the reference, so that the bytes can be read while the session's other state changes.
        let buffer = input
        let used = buffer.withUnsafeReadableBytes { bytes -> Int in
            var position = 0
            while let length = contentLength(bytes, position) {
                let end = position + HTTP2FrameHeader.byteCount + length
                let stream = table.find(streamID(bytes, position))
                guard stream >= 0, admits(length, at: stream) else { break }
                giveBackToStream(at: stream)
                if length > 0 {
                    sink.received(
                        UnsafeRawBufferPointer(rebasing: bytes[position + HTTP2FrameHeader.byteCount..<end]),
                        token: table[stream].token, arrival: arrival)
                }
                position = end
            }
            return position
        }
        input.moveReaderIndex(forwardBy: used)
    }

    /// The length of a DATA frame without flags that is here whole; nil for any other frame.
    @inline(__always)
    private func contentLength(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> Int? {
        guard bytes.count - position >= HTTP2FrameHeader.byteCount else { return nil }
        let word = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        // Section 4.1: 24 bits of length, 8 of type, of which 0 is DATA, and 8 of flags.
        guard word >> 24 & 0xffff == 0 else { return nil }
        let length = Int(word >> 40)
        let isWhole = bytes.count - position - HTTP2FrameHeader.byteCount >= length
        return isWhole && length <= HTTP2Constant.minimumMaxFrameSize ? length : nil
    }

    @inline(__always)
    private func streamID(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> UInt32 {
        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position + 5, as: UInt32.self)) & 0x7fff_ffff
    }

    /// Counts a frame against both windows and the promised length. False, and nothing counted, if there is anything
    /// to object to.
    @inline(__always)
    private mutating func admits(_ length: Int, at stream: Int32) -> Bool {
        let count = Int32(truncatingIfNeeded: length)
        let state = table[stream].state
        let isPlain =
            state.contains(.headReceived) && !state.contains(.bodiless) && table[stream].bodyRemaining < 0
            && count <= table[stream].receiveWindow
        guard isPlain, connectionReceive.receive(length) else { return false }
        let increment = connectionReceive.giveBack(length)
        if increment > 0 { output.appendWindowUpdate(0, increment: increment) }
        table[stream].receiveWindow -= count
        if !state.contains(.consumesAtOnce) { table[stream].unconsumed += count }
        return true
    }
}
