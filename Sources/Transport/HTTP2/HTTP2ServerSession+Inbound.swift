// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// From bytes to events: preface, frame boundaries, dispatch, and the frames that carry a request's life.

extension HTTP2ServerSession {
    /// Takes what was read from the peer. Without a frame left over from before, nothing is copied.
    ///
    /// Bound: one frame, or while ``isInputPaused`` what `maxControlBytes` allows on top; over it the connection ends.
    public mutating func receive(_ bytes: ByteBuffer, now: Int64) {
        advance(to: now)
        if isFailed { return }
        guard input.readableBytes <= configuration.maxFrameSize + configuration.maxControlBytes else {
            fail(.enhanceYourCalm, "answers are not read")
            return
        }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeImmutableBuffer(bytes)
        }
    }

    /// Processes frames up to the next event.
    ///
    /// - Returns: `nil` when more input is needed, when the output has to be written first (``isInputPaused``), or
    ///   when the connection has failed and the caller knows.
    public mutating func nextEvent() -> HTTP2Event? {
        if case .failed(let code, let reason, reported: false) = phase {
            phase = .failed(code, reason, reported: true)
            input = ByteBuffer()
            return .connectionError(code, reason: "\(reason)")
        }
        while !isFailed, !isInputPaused {
            do throws(HTTP2Fault) {
                switch try step() {
                case .event(let event): return event
                case .nothing: continue
                case .needsMore:
                    compactInput()
                    return nil
                }
            } catch {
                if let event = settle(error) { return event }
            }
        }
        if case .failed(_, _, reported: false) = phase { return nextEvent() }
        return nil
    }

    /// Whether frames wait until some output has been written: the peer asks for more than it reads. The driver
    /// should stop reading meanwhile, and call ``nextEvent()`` again after a flush.
    public var isInputPaused: Bool {
        pendingOutputBytes >= configuration.maxBufferedBytes + configuration.maxControlBytes / 2
    }

    private enum Step {
        case event(HTTP2Event)
        case nothing
        case needsMore
    }

    private mutating func step() throws(HTTP2Fault) -> Step {
        if case .preface(let matched) = phase {
            return try matchPreface(from: matched) ? .nothing : .needsMore
        }
        guard let header = HTTP2FrameHeader(input, at: input.readerIndex) else { return .needsMore }
        guard header.length <= configuration.maxFrameSize else {
            throw .connection(.frameSizeError, "frame larger than SETTINGS_MAX_FRAME_SIZE")
        }
        guard input.readableBytes >= HTTP2FrameHeader.byteCount + header.length else { return .needsMore }
        let payload = input.readerIndex + HTTP2FrameHeader.byteCount
        // Afterwards, since a buffer does not show what lies before its reader index.
        defer { input.moveReaderIndex(to: payload + header.length) }
        guard let event = try process(header, payload) else { return .nothing }
        return .event(event)
    }

    /// Section 3.4. Compares as octets arrive, so that another protocol fails at its first wrong octet.
    private mutating func matchPreface(from matched: Int) throws(HTTP2Fault) -> Bool {
        let count = min(input.readableBytes, HTTP2Constant.preface.utf8CodeUnitCount - matched)
        let expected = UnsafeBufferPointer(start: HTTP2Constant.preface.utf8Start + matched, count: count)
        guard input.readableBytesView.prefix(count).elementsEqual(expected) else {
            throw .connection(.protocolError, "not the HTTP/2 connection preface")
        }
        input.moveReaderIndex(forwardBy: count)
        let complete = matched + count == HTTP2Constant.preface.utf8CodeUnitCount
        phase = complete ? .firstSettings : .preface(matched: matched + count)
        return complete
    }

    /// Lets go of read buffers: NIO hands out 64 KiB, of which a partial frame must not keep more than its share.
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

    private mutating func process(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> HTTP2Event? {
        if case .firstSettings = phase {
            guard header.type == .settings, !header.flags.contains(.ack) else {
                throw .connection(.protocolError, "the first frame must be SETTINGS")
            }
            phase = .open
        }
        if headerBlock != nil, header.type != .continuation {
            // Section 4.3: nothing may interrupt a field block, unknown frames included (section 5.5).
            throw .connection(.protocolError, "field block interrupted by another frame")
        }
        switch header.type {
        case .data: return try receiveData(header, payload)
        case .headers: return try receiveHeaders(header, payload)
        case .continuation: return try receiveContinuation(header, payload)
        case .rstStream: return try receiveReset(header, payload)
        case .settings: try receiveSettings(header, payload)
        case .ping: return try receivePing(header, payload)
        case .goAway: return try receiveGoAway(header, payload)
        case .windowUpdate: try receiveWindowUpdate(header, payload)
        case .priority: try receivePriority(header, payload)
        case .pushPromise: throw .connection(.protocolError, "a client cannot push")
        default: try abuse.updateFrame(now: now, dataFrames: counters.dataFrames - crumbs)
        }
        return nil
    }

    /// Section 6.1.
    private mutating func receiveData(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> HTTP2Event? {
        let body = try unpadded(header, payload)
        let endStream = header.flags.contains(.endStream)
        guard header.streamID != 0 else { throw .connection(.protocolError, "DATA on stream 0") }
        let position = table.find(header.streamID)
        if position < 0, isIdle(header.streamID) { throw .connection(.protocolError, "DATA on an idle stream") }
        guard connectionReceive.receive(header.length) else {
            throw .connection(.flowControlError, "more DATA than the connection window allows")
        }
        if body.isEmpty, !endStream { try abuse.emptyDataFrame(now: now) }
        guard position >= 0 else {
            giveBackToConnection(header.length)
            try frameOnClosedStream(header.streamID)
            return nil
        }
        if table[position].state.contains(.remoteClosed) {
            giveBackToConnection(header.length)
            throw .stream(header.streamID, .streamClosed)
        }
        guard header.length <= Int(table[position].receiveWindow) else {
            giveBackToConnection(header.length)
            throw .stream(header.streamID, .flowControlError)
        }
        table[position].receiveWindow -= Int32(header.length)
        if table[position].state.contains(.lingering) {
            return try discard(header, at: position)
        }
        guard table[position].bodyRemaining != -1 else { return deliver(body, header, at: position) }
        table[position].bodyRemaining -= Int64(body.count)
        // Section 8.1.1: content-length must equal the sum of the payloads.
        if table[position].bodyRemaining < 0 || endStream && table[position].bodyRemaining != 0 {
            giveBackToConnection(header.length)
            throw .stream(header.streamID, .protocolError)
        }
        return deliver(body, header, at: position)
    }

    /// Padding has no semantic value, but counts for flow control: it is given back at once.
    private mutating func deliver(_ body: Range<Int>, _ header: HTTP2FrameHeader, at position: Int32) -> HTTP2Event? {
        let endStream = header.flags.contains(.endStream)
        if endStream { table[position].state.insert(.remoteClosed) }
        table[position].unconsumed += Int32(body.count)
        giveBackToConnection(header.length - body.count)
        if header.length > body.count { giveBackToStream(at: position) }
        guard !body.isEmpty || endStream, let slice = input.getSlice(at: body.lowerBound, length: body.count) else {
            return nil
        }
        return .data(table.slot(at: position), slice, endStream: endStream)
    }

    /// The response is complete, nobody wants the rest of the request: it is read up to a bound, then the peer is asked
    /// to stop (section 8.1).
    private mutating func discard(_ header: HTTP2FrameHeader, at position: Int32) throws(HTTP2Fault) -> HTTP2Event? {
        giveBackToConnection(header.length)
        if header.flags.contains(.endStream) {
            end(position, .complete)
            return nil
        }
        table[position].bodyRemaining -= Int64(header.length)
        if table[position].bodyRemaining < 0 {
            sendReset(header.streamID, .noError)
            end(position, .resetByUs)
        } else {
            giveBackToStream(at: position)
        }
        return nil
    }

    /// Section 6.4.
    private mutating func receiveReset(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> HTTP2Event? {
        guard header.streamID != 0 else { throw .connection(.protocolError, "RST_STREAM on stream 0") }
        guard header.length == 4, let raw: UInt32 = input.getInteger(at: payload) else {
            throw .connection(.frameSizeError, "RST_STREAM must have 4 octets")
        }
        counters.resetsReceived += 1
        let position = table.find(header.streamID)
        guard position >= 0 else {
            if isIdle(header.streamID) { throw .connection(.protocolError, "RST_STREAM on an idle stream") }
            try abuse.peerReset(age: nil, now: now)
            return nil
        }
        let age = Int64(milliseconds &- table[position].openedAt) * 1_000_000
        let event = endedEvent(position, .resetByPeer(HTTP2ErrorCode(rawValue: raw)))
        end(position, .resetByPeer)
        try abuse.peerReset(age: age, now: now)
        return event
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
