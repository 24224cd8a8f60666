// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

// HEADERS and CONTINUATION: a field block becomes an informational response, a head or trailers.
extension HTTP2ClientSession {
    /// Frames per field block; a flood of empty ones would cost no bytes of the block.
    private static let maxContinuationFrames = 64

    /// Section 6.2.
    mutating func receiveHeaders(
        _ header: HTTP2FrameHeader, _ payload: Int
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        try checkUsed(header.streamID)
        var fragment = try unpadded(header, payload)
        if header.flags.contains(.priority) {
            guard fragment.count >= 5 else { throw .connection(.frameSizeError, "HEADERS too short for its priority") }
            fragment = fragment.lowerBound + 5..<fragment.upperBound
        }
        guard let bytes = input.getSlice(at: fragment.lowerBound, length: fragment.count) else { return nil }
        var block = HTTP2HeaderBlock(
            streamID: header.streamID,
            endStream: header.flags.contains(.endStream),
            dependsOnItself: false,
            fragments: bytes
        )
        guard !header.flags.contains(.endHeaders) else { return try receiveBlock(block) }
        // A copy, so that the part does not keep the whole read buffer until the rest comes.
        block.fragments = ByteBuffer()
        block.fragments.writeImmutableBuffer(bytes)
        headerBlock = block
        return nil
    }

    /// Section 6.10.
    mutating func receiveContinuation(
        _ header: HTTP2FrameHeader, _ payload: Int
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        guard var block = headerBlock, block.streamID == header.streamID else {
            throw .connection(.protocolError, "CONTINUATION without HEADERS on the same stream")
        }
        headerBlock = nil
        block.continuations += 1
        guard block.continuations <= Self.maxContinuationFrames,
            block.fragments.readableBytes + header.length <= limits.headBytes
        else {
            throw tooLarge()
        }
        if let bytes = input.getSlice(at: payload, length: header.length) {
            block.fragments.writeImmutableBuffer(bytes)
        }
        guard !header.flags.contains(.endHeaders) else { return try receiveBlock(block) }
        headerBlock = block
        return nil
    }

    /// A complete block. It is decoded whatever becomes of it: the table of HPACK belongs to the connection.
    private mutating func receiveBlock(_ block: HTTP2HeaderBlock) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        var fragments = block.fragments
        let fields: HPACKHeaders
        do {
            fields = try decoder.decodeHeaders(from: &fragments)
        } catch is NIOHPACKErrors.MaxHeaderListSizeViolation {
            throw tooLarge()
        } catch {
            throw .connection(.compressionError, "field block cannot be decoded")
        }
        let position = table.find(block.streamID)
        guard position >= 0 else { return nil }
        if table[position].state.contains(.headReceived) { return try trailers(fields, block, at: position) }
        guard let status = Self.status(of: fields) else { throw .stream(block.streamID, .protocolError) }
        let slot = table.slot(at: position)
        if status < 200 {
            // Section 8.6: HTTP/2 has no 101; an informational response cannot end a stream (section 8.1).
            guard status != 101, !block.endStream else { throw .stream(block.streamID, .protocolError) }
            table[position].informationalCount += 1
            guard table[position].informationalCount <= limits.informationalResponses else {
                output.appendReset(block.streamID, .enhanceYourCalm)
                table.close(position)
                return .failed(slot, .tooManyInformational(limit: limits.informationalResponses))
            }
            return .informational(slot, status: status, fields)
        }
        table[position].state.insert(.headReceived)
        if status == 204 || status == 304 { table[position].state.insert(.bodiless) }
        if !table[position].state.contains(.bodiless), let length = fields.first(name: "content-length") {
            guard let length = HTTP2FieldSyntax.contentLength(length) else {
                throw .stream(block.streamID, .protocolError)
            }
            table[position].bodyRemaining = length
        }
        if block.endStream {
            guard table[position].bodyRemaining <= 0 else { throw .stream(block.streamID, .protocolError) }
            pendingEvents.append(.complete(slot, trailers: [:]))
        }
        return .head(slot, status: status, fields)
    }

    private mutating func tooLarge() -> HTTP2Fault {
        exceededHeadLimit = true
        return .connection(.enhanceYourCalm, "response head too large")
    }

    /// Section 8.1: the field block after the body ends it.
    private mutating func trailers(
        _ fields: HPACKHeaders, _ block: HTTP2HeaderBlock, at position: Int32
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        guard block.endStream, table[position].bodyRemaining <= 0,
            fields.allSatisfy({ HTTP2FieldSyntax.isName($0.name) && HTTP2FieldSyntax.isValue($0.value) })
        else { throw .stream(block.streamID, .protocolError) }
        let slot = table.slot(at: position)
        complete(position)
        return .complete(slot, trailers: fields)
    }

    /// Section 8.3.2: `:status` once, first, and no other pseudo-header field; sections 8.2.1 and 8.2.2: valid fields.
    /// Values are taken as they are but for control characters: outer white space occurs, and does no harm here.
    private static func status(of fields: HPACKHeaders) -> Int? {
        var status: Int?
        for (index, field) in fields.enumerated() {
            if index == 0 {
                guard field.name == ":status", field.value.utf8.count == 3 else { return nil }
                status = Int(field.value)
                continue
            }
            guard HTTP2FieldSyntax.isName(field.name),
                field.value.utf8.allSatisfy({ $0 != 0 && $0 != 0x0a && $0 != 0x0d }),
                field.name != "connection", field.name != "transfer-encoding"
            else { return nil }
        }
        return status.flatMap { (100...999).contains($0) ? $0 : nil }
    }
}
