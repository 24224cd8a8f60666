// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

// From bytes to events: frame boundaries, dispatch, and the frames that carry a response.
extension HTTP2ClientSession {
    /// Takes what was read. Only a frame that spans reads is copied, not what follows it. Bound: one frame of 16 KiB
    /// and what the driver reads at once.
    mutating func receive(_ bytes: ByteBuffer) {
        guard !isDead else { return }
        if input.readableBytes == 0, following.readableBytes == 0 {
            input = bytes
        } else if following.readableBytes == 0 {
            following = bytes
        } else {
            following.writeImmutableBuffer(bytes)
        }
    }

    /// Completes the frame that `input` ends in with what followed.
    /// - Returns: whether there was anything.
    private mutating func joinInput() -> Bool {
        guard following.readableBytes > 0 else { return false }
        if input.readableBytes == 0 {
            input = following
            following = ByteBuffer()
            return true
        }
        var missing = HTTP2FrameHeader.byteCount - input.readableBytes
        if let header = HTTP2FrameHeader(input, at: input.readerIndex) { missing += header.length }
        if var piece = following.readSlice(length: min(max(missing, 1), following.readableBytes)) {
            input.writeBuffer(&piece)
        }
        return true
    }

    private var isDead: Bool {
        switch phase {
        case .failed, .closed: true
        case .firstSettings, .open: false
        }
    }

    /// Processes frames up to the next event; nil when more input is needed.
    mutating func nextEvent() -> HTTP2ClientEvent? {
        while true {
            if let event = pendingEvents.popLast() {
                // The slot stayed valid for what came before, so that no other stream took its place.
                if case .complete(let slot, _) = event {
                    guard table.isCurrent(slot) else { continue }
                    complete(slot.index)
                }
                return event
            }
            guard !isDead else { return nil }
            do throws(HTTP2Fault) {
                switch try step() {
                case .event(let event): return event
                case .nothing: continue
                case .needsMore:
                    if joinInput() { continue }
                    compactInput()
                    return nil
                }
            } catch {
                if let event = settle(error) { return event }
            }
        }
    }

    private enum Step {
        case event(HTTP2ClientEvent)
        case nothing
        case needsMore
    }

    private mutating func step() throws(HTTP2Fault) -> Step {
        guard let header = HTTP2FrameHeader(input, at: input.readerIndex) else { return .needsMore }
        if phase == .firstSettings, header.type != .settings || header.flags.contains(.ack) || header.streamID != 0 {
            throw .connection(.protocolError, "the first frame must be SETTINGS")
        }
        // We never announce more than the initial SETTINGS_MAX_FRAME_SIZE.
        guard header.length <= HTTP2Constant.minimumMaxFrameSize else {
            throw .connection(.frameSizeError, "frame larger than SETTINGS_MAX_FRAME_SIZE")
        }
        guard input.readableBytes >= HTTP2FrameHeader.byteCount + header.length else { return .needsMore }
        let payload = input.readerIndex + HTTP2FrameHeader.byteCount
        defer { input.moveReaderIndex(to: payload + header.length) }
        guard let event = try process(header, payload) else { return .nothing }
        return .event(event)
    }

    /// Lets go of read buffers: a partial frame must not keep more than its share of them.
    private mutating func compactInput() {
        if input.readableBytes == 0 {
            input = ByteBuffer()
        } else if input.storageCapacity > 4 * input.readableBytes + 1_024 {
            var compact = ByteBuffer()
            compact.reserveCapacity(input.readableBytes)
            compact.writeImmutableBuffer(input)
            input = compact
        }
    }

    private mutating func process(
        _ header: HTTP2FrameHeader, _ payload: Int
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        if headerBlock != nil, header.type != .continuation {
            throw .connection(.protocolError, "field block interrupted by another frame")
        }
        switch header.type {
        case .data: return try receiveData(header, payload)
        case .headers: return try receiveHeaders(header, payload)
        case .continuation: return try receiveContinuation(header, payload)
        case .rstStream: return try receiveReset(header, payload)
        case .settings: return try receiveSettings(header, payload)
        case .ping: try receivePing(header, payload)
        case .goAway: return try receiveGoAway(header, payload)
        case .windowUpdate: try receiveWindowUpdate(header, payload)
        case .pushPromise: throw .connection(.protocolError, "push although SETTINGS_ENABLE_PUSH is 0")
        default: break
        }
        return nil
    }

    /// Section 6.1.
    private mutating func receiveData(
        _ header: HTTP2FrameHeader, _ payload: Int
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        let body = try unpadded(header, payload)
        guard connectionReceive.receive(header.length) else {
            throw .connection(.flowControlError, "more DATA than the connection window allows")
        }
        // At once: one slow stream must not stop the others; its own window bounds it.
        let increment = connectionReceive.giveBack(header.length)
        if increment > 0 { output.appendWindowUpdate(0, increment: increment) }
        let position = table.find(header.streamID)
        guard position >= 0 else {
            try checkUsed(header.streamID)
            return nil
        }
        guard header.length <= Int(table[position].receiveWindow) else {
            throw .stream(header.streamID, .flowControlError)
        }
        table[position].receiveWindow -= Int32(header.length)
        let state = table[position].state
        guard state.contains(.headReceived), !state.contains(.bodiless) || body.isEmpty else {
            throw .stream(header.streamID, .protocolError)
        }
        if table[position].bodyRemaining >= 0 {
            guard body.count <= table[position].bodyRemaining else { throw .stream(header.streamID, .protocolError) }
            table[position].bodyRemaining -= Int64(body.count)
        }
        let slot = table.slot(at: position)
        let endStream = header.flags.contains(.endStream)
        if endStream {
            // Section 8.1.1: content-length must equal the sum of the payloads.
            guard table[position].bodyRemaining <= 0 else { throw .stream(header.streamID, .protocolError) }
            pendingEvents.append(.complete(slot, trailers: [:]))
        } else {
            if !state.contains(.consumesAtOnce) { table[position].unconsumed += Int32(body.count) }
            giveBackToStream(at: position)
        }
        guard !body.isEmpty, let bytes = input.getSlice(at: body.lowerBound, length: body.count) else { return nil }
        return .data(slot, bytes)
    }

    /// Section 6.4.
    private mutating func receiveReset(
        _ header: HTTP2FrameHeader, _ payload: Int
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        guard header.length == 4, let raw: UInt32 = input.getInteger(at: payload) else {
            throw .connection(.frameSizeError, "RST_STREAM must have 4 octets")
        }
        let position = table.find(header.streamID)
        guard position >= 0 else {
            try checkUsed(header.streamID)
            return nil
        }
        let slot = table.slot(at: position)
        let progress: HTTPResponseProgress = table[position].state.contains(.headReceived) ? .body : .nothing
        table.close(position)
        return .failed(slot, .streamReset(HTTP2ErrorCode(rawValue: raw), progress))
    }

    /// A frame on a stream that is over is late; one on a stream that we never opened is a violation (section 5.1).
    func checkUsed(_ streamID: UInt32) throws(HTTP2Fault) {
        guard streamID != 0, streamID & 1 == 1, streamID < nextStreamID else {
            throw .connection(.protocolError, "frame on a stream that was never opened")
        }
    }

    /// The payload without padding (sections 6.1 and 6.2).
    func unpadded(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> Range<Int> {
        guard header.flags.contains(.padded) else { return payload..<payload + header.length }
        guard header.length >= 1, let padding: UInt8 = input.getInteger(at: payload) else {
            throw .connection(.frameSizeError, "padded frame without a pad length")
        }
        guard Int(padding) < header.length else {
            throw .connection(.protocolError, "padding as long as the frame or longer")
        }
        return payload + 1..<payload + header.length - Int(padding)
    }
}
