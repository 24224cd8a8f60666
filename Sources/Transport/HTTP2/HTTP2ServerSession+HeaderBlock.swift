// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

/// A field block whose end has not arrived (RFC 9113 section 4.3). Bounds: `maxHeaderBlockBytes` and
/// `maxContinuationFrames`; over them the connection ends.
struct HTTP2HeaderBlock {
    var streamID: UInt32
    var endStream: Bool
    var dependsOnItself: Bool
    var fragments: ByteBuffer
    var continuations = 0
}

// HEADERS and CONTINUATION: a field block becomes a request, trailers or a refusal.

extension HTTP2ServerSession {
    /// Section 6.2.
    mutating func receiveHeaders(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> HTTP2Event? {
        guard header.streamID != 0 else { throw .connection(.protocolError, "HEADERS on stream 0") }
        guard header.streamID & 1 == 1 else {
            throw .connection(.protocolError, "a client opens streams with odd identifiers")
        }
        var fragment = try unpadded(header, payload)
        var dependsOnItself = false
        if header.flags.contains(.priority) {
            guard fragment.count >= 5 else { throw .connection(.frameSizeError, "HEADERS too short for its priority") }
            dependsOnItself = self.dependsOnItself(header.streamID, at: fragment.lowerBound)
            fragment = fragment.lowerBound + 5..<fragment.upperBound
        }
        guard let bytes = input.getSlice(at: fragment.lowerBound, length: fragment.count) else { return nil }
        var block = HTTP2HeaderBlock(
            streamID: header.streamID,
            endStream: header.flags.contains(.endStream),
            dependsOnItself: dependsOnItself,
            fragments: bytes
        )
        guard !header.flags.contains(.endHeaders) else { return try receiveBlock(block) }
        // A copy, so that the part does not keep the whole read buffer until the rest comes.
        var part = ByteBuffer()
        part.writeImmutableBuffer(bytes)
        block.fragments = part
        headerBlock = block
        return nil
    }

    /// Section 6.10.
    mutating func receiveContinuation(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> HTTP2Event? {
        guard var block = headerBlock, block.streamID == header.streamID else {
            throw .connection(.protocolError, "CONTINUATION without HEADERS on the same stream")
        }
        headerBlock = nil
        block.continuations += 1
        guard block.continuations <= configuration.maxContinuationFrames,
            block.fragments.readableBytes + header.length <= configuration.maxHeaderBlockBytes
        else { throw .connection(.enhanceYourCalm, "field block too large") }
        if let bytes = input.getSlice(at: payload, length: header.length) {
            block.fragments.writeImmutableBuffer(bytes)
        }
        guard !header.flags.contains(.endHeaders) else { return try receiveBlock(block) }
        headerBlock = block
        return nil
    }

    /// A complete block. It is decoded whatever becomes of it: the table of HPACK belongs to the connection.
    private mutating func receiveBlock(_ block: HTTP2HeaderBlock) throws(HTTP2Fault) -> HTTP2Event? {
        let headers = try decode(block.fragments)
        let position = table.find(block.streamID)
        if position >= 0 { return try receiveTrailers(block, headers, at: position) }
        guard block.streamID > lastStreamID else {
            if closed.ending(of: block.streamID) == nil {
                // Section 5.1.1: skipped identifiers are closed, and new ones must be larger than all before.
                throw .connection(.protocolError, "stream identifier is not larger than the last one")
            }
            try frameOnClosedStream(block.streamID)
            return nil
        }
        lastStreamID = block.streamID
        if case .final(let last) = goAwayState, block.streamID > last { return nil }
        return try open(block, headers)
    }

    /// Section 4.3: any error in a field block costs the connection, since the tables of both sides now differ.
    private mutating func decode(_ block: ByteBuffer) throws(HTTP2Fault) -> HPACKHeaders {
        if tableSizeUpdateDue {
            // RFC 7541 section 6.3: a size update begins with 001.
            guard let first: UInt8 = block.getInteger(at: block.readerIndex), first >> 5 == 0b001 else {
                throw .connection(.compressionError, "field block does not begin with the table size update due")
            }
            tableSizeUpdateDue = false
        }
        var block = block
        do {
            return try decoder.decodeHeaders(from: &block)
        } catch is NIOHPACKErrors.MaxHeaderListSizeViolation {
            throw .connection(.enhanceYourCalm, "field section too large")
        } catch {
            throw .connection(.compressionError, "field block cannot be decoded")
        }
    }

    /// Sections 5.1.2 and 8.3.1.
    private mutating func open(_ block: HTTP2HeaderBlock, _ headers: HPACKHeaders) throws(HTTP2Fault) -> HTTP2Event? {
        guard table.count < configuration.maxConcurrentStreams else {
            // Never a violation: the peer may not have seen our SETTINGS, or not yet our last END_STREAM.
            counters.refusedStreams += 1
            sendReset(block.streamID, .refusedStream)
            closed.remember(block.streamID, .resetByUs)
            return nil
        }
        guard !block.dependsOnItself else { throw .stream(block.streamID, .protocolError) }
        guard HTTP2RequestValidation.listSize(headers) <= configuration.maxHeaderListSize else {
            refuseLargeHeaders(block)
            return nil
        }
        guard let request = HTTP2RequestValidation.request(headers, endStream: block.endStream) else {
            throw .stream(block.streamID, .protocolError)
        }
        var stream = HTTP2Stream(
            id: block.streamID, sendWindow: peer.initialWindow, receiveWindow: streamReceiveWindow)
        stream.openedAt = milliseconds
        stream.bodyRemaining = request.contentLength ?? -1
        if block.endStream { stream.state.insert(.remoteClosed) }
        let position = table.open(stream)
        lastProcessedStreamID = block.streamID
        counters.requests += 1
        counters.peakStreams = max(counters.peakStreams, table.count)
        return .request(table.slot(at: position), request, endStream: block.endStream)
    }

    /// Section 10.5.1: 431, and the rest of the request is not wanted.
    private mutating func refuseLargeHeaders(_ block: HTTP2HeaderBlock) {
        lastProcessedStreamID = block.streamID
        let head = HTTP2ResponseHead(status: 431, headers: ["content-length": "0"])
        writeHead(head, streamID: block.streamID, endStream: true)
        if block.endStream {
            closed.remember(block.streamID, .complete)
        } else {
            sendReset(block.streamID, .noError)
            closed.remember(block.streamID, .resetByUs)
        }
    }

    /// Section 8.1: the second field block of a request ends it.
    private mutating func receiveTrailers(
        _ block: HTTP2HeaderBlock, _ headers: HPACKHeaders, at position: Int32
    ) throws(HTTP2Fault) -> HTTP2Event? {
        guard !table[position].state.contains(.remoteClosed) else { throw .stream(block.streamID, .streamClosed) }
        guard block.endStream, !block.dependsOnItself, HTTP2RequestValidation.trailersAreValid(headers),
            HTTP2RequestValidation.listSize(headers) <= configuration.maxHeaderListSize,
            table[position].bodyRemaining <= 0 || table[position].state.contains(.lingering)
        else { throw .stream(block.streamID, .protocolError) }
        if table[position].state.contains(.lingering) {
            end(position, .complete)
            return nil
        }
        table[position].state.insert(.remoteClosed)
        return .trailers(table.slot(at: position), headers)
    }
}
