// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// SETTINGS, PING, GOAWAY and WINDOW_UPDATE, and what faults lead to.
extension HTTP2ClientSession {
    /// Section 6.5.
    mutating func receiveSettings(
        _ header: HTTP2FrameHeader, _ payload: Int
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        guard header.streamID == 0 else { throw .connection(.protocolError, "SETTINGS on a stream") }
        guard header.length.isMultiple(of: 6), !header.flags.contains(.ack) || header.length == 0 else {
            throw .connection(.frameSizeError, "SETTINGS of a wrong length")
        }
        guard !header.flags.contains(.ack) else { return nil }
        let windowBefore = peer.initialWindow
        for offset in stride(from: payload, to: payload + header.length, by: 6) {
            guard let raw: UInt16 = input.getInteger(at: offset), let value: UInt32 = input.getInteger(at: offset + 2)
            else { continue }
            let identifier = HTTP2SettingID(rawValue: raw)
            if identifier == .enablePush, value != 0 {
                throw .connection(.protocolError, "a server must not enable push")
            }
            try peer.apply(identifier, value)
            if identifier == .maxConcurrentStreams { maxConcurrentStreams = Int(value) }
            if identifier == .headerTableSize {
                // It throws only while a field block is being written, and ours are written in one call.
                try? encoder.setDynamicTableSize(min(peer.headerTableSize, HTTP2Constant.defaultHeaderTableSize))
            }
        }
        if peer.initialWindow != windowBefore { try shiftStreamWindows(by: peer.initialWindow - windowBefore) }
        try admitControl()
        output.appendSettingsAck()
        guard phase == .firstSettings else { return nil }
        phase = .open
        return .opened
    }

    /// Section 6.9.2.
    private mutating func shiftStreamWindows(by difference: Int) throws(HTTP2Fault) {
        for position in 0..<Int32(table.streams.count) where table[position].id != 0 {
            let window = Int(table[position].sendWindow) + difference
            guard window <= HTTP2Constant.maximumWindow else {
                throw .connection(.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE overflows a stream window")
            }
            table[position].sendWindow = Int32(clamping: window)
        }
    }

    /// Section 6.7.
    mutating func receivePing(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) {
        guard header.streamID == 0 else { throw .connection(.protocolError, "PING on a stream") }
        guard header.length == 8, let opaque: UInt64 = input.getInteger(at: payload) else {
            throw .connection(.frameSizeError, "PING must have 8 octets")
        }
        guard !header.flags.contains(.ack) else { return }
        try admitControl()
        output.appendPing(opaque, ack: true)
    }

    /// Section 6.8. Streams above the identifier were not processed; the others go on.
    mutating func receiveGoAway(
        _ header: HTTP2FrameHeader, _ payload: Int
    ) throws(HTTP2Fault) -> HTTP2ClientEvent? {
        guard header.streamID == 0 else { throw .connection(.protocolError, "GOAWAY on a stream") }
        guard header.length >= 8, let last: UInt32 = input.getInteger(at: payload),
            let raw: UInt32 = input.getInteger(at: payload + 4)
        else { throw .connection(.frameSizeError, "GOAWAY must have 8 octets or more") }
        let debug = input.getBytes(at: payload + 8, length: min(header.length - 8, 256)) ?? []
        let evidence = HTTP2GoAwayEvidence(
            code: HTTP2ErrorCode(rawValue: raw),
            lastStreamID: last & 0x7fff_ffff,
            debug: Printable.text(debug, limit: 256)
        )
        goAway = evidence
        for position in 0..<Int32(table.streams.count) where table[position].id > evidence.lastStreamID {
            pendingEvents.append(.failed(table.slot(at: position), .notProcessed(evidence)))
            table.close(position)
        }
        return .goAway(evidence)
    }

    /// Section 6.9.
    mutating func receiveWindowUpdate(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) {
        guard header.length == 4, let raw: UInt32 = input.getInteger(at: payload) else {
            throw .connection(.frameSizeError, "WINDOW_UPDATE must have 4 octets")
        }
        let increment = Int(raw & 0x7fff_ffff)
        guard header.streamID != 0 else {
            guard increment > 0 else { throw .connection(.protocolError, "WINDOW_UPDATE of 0 on the connection") }
            guard connectionSendWindow + increment <= HTTP2Constant.maximumWindow else {
                throw .connection(.flowControlError, "connection window above 2^31-1")
            }
            connectionSendWindow += increment
            return
        }
        let position = table.find(header.streamID)
        guard position >= 0 else { return try checkUsed(header.streamID) }
        guard increment > 0 else { throw .stream(header.streamID, .protocolError) }
        let window = Int(table[position].sendWindow) + increment
        guard window <= HTTP2Constant.maximumWindow else { throw .stream(header.streamID, .flowControlError) }
        table[position].sendWindow = Int32(window)
    }

    /// Section 5.4: RST_STREAM or GOAWAY, and the event about it.
    mutating func settle(_ fault: HTTP2Fault) -> HTTP2ClientEvent? {
        switch fault {
        case .stream(let streamID, let code):
            output.appendReset(streamID, code)
            let position = table.find(streamID)
            guard position >= 0 else { return nil }
            let slot = table.slot(at: position)
            table.close(position)
            return .failed(slot, .malformed("an HTTP/2 stream error of the server's, \(code)"))
        case .connection(let code, let reason):
            input = ByteBuffer()
            following = ByteBuffer()
            output.appendGoAway(lastStreamID: 0, code, debug: "\(reason)")
            phase = .failed
            return .connectionError(code, reason: "\(reason)")
        }
    }

    /// What we owe a server that asks and does not read is bounded.
    private func admitControl() throws(HTTP2Fault) {
        guard pendingOutputBytes <= limits.controlBytes else {
            throw .connection(.enhanceYourCalm, "answers are not read")
        }
    }
}
