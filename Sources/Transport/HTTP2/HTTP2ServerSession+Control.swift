// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

// SETTINGS, PING, GOAWAY, WINDOW_UPDATE and PRIORITY: frames that steer and carry nothing.

extension HTTP2ServerSession {
    /// Section 6.5.
    mutating func receiveSettings(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) {
        guard header.streamID == 0 else { throw .connection(.protocolError, "SETTINGS on a stream") }
        if header.flags.contains(.ack) {
            guard header.length == 0 else {
                throw .connection(.frameSizeError, "SETTINGS acknowledgement with payload")
            }
            try abuse.settingsFrame(now: now)
            try settingsWereAcknowledged()
            return
        }
        guard header.length.isMultiple(of: 6) else {
            throw .connection(.frameSizeError, "SETTINGS length is not a multiple of 6")
        }
        try abuse.settingsFrame(now: now)
        // Section 6.5.3: processed in the order in which they appear. The streams are touched once per frame, or a
        // frame that changes the window a thousand times would be an attack.
        let windowBefore = peer.initialWindow
        for offset in stride(from: payload, to: payload + header.length, by: 6) {
            guard let raw: UInt16 = input.getInteger(at: offset), let value: UInt32 = input.getInteger(at: offset + 2)
            else { continue }
            let identifier = HTTP2SettingID(rawValue: raw)
            try peer.apply(identifier, value)
            if identifier == .headerTableSize { applyEncoderTableSize() }
        }
        if peer.initialWindow != windowBefore { try shiftStreamWindows(by: peer.initialWindow - windowBefore) }
        if admitControl(HTTP2FrameHeader.byteCount) { output.appendSettingsAck() }
    }

    /// The encoder uses what the peer offers up to our own bound; it announces each change in its next field block.
    mutating func applyEncoderTableSize() {
        encoder.setTableSize(min(peer.headerTableSize, configuration.encoderTableSize))
    }

    /// Section 6.9.2: a change of the initial window changes all stream windows, below zero if need be. The window of
    /// the connection stays.
    private mutating func shiftStreamWindows(by difference: Int) throws(HTTP2Fault) {
        for position in 0..<Int32(table.streams.count) where table[position].id != 0 {
            let window = Int(table[position].sendWindow) + difference
            guard window <= HTTP2Constant.maximumWindow else {
                throw .connection(.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE overflows a stream window")
            }
            // The lower end cannot be passed: windows fall by sending at most what they had, and by settings at most
            // 2^31-1 below that.
            table[position].sendWindow = Int32(clamping: window)
            if window > 0 { unstall(position) }
        }
    }

    /// Section 6.5.3: only now do our own settings bind the peer.
    private mutating func settingsWereAcknowledged() throws(HTTP2Fault) {
        guard !settingsAcknowledged else { return }
        settingsAcknowledged = true
        let lowered = streamReceiveWindow - configuration.streamReceiveWindow
        if lowered > 0 {
            streamReceiveWindow = configuration.streamReceiveWindow
            for position in 0..<Int32(table.streams.count) where table[position].id != 0 {
                table[position].receiveWindow -= Int32(lowered)
            }
        }
        if configuration.headerTableSize < HTTP2Constant.defaultHeaderTableSize {
            tableSizeUpdateDue = decoder.allowedDynamicTableLength > configuration.headerTableSize
            decoder.maxDynamicTableLength = configuration.headerTableSize
        }
    }

    /// Section 6.7.
    mutating func receivePing(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> HTTP2Event? {
        guard header.streamID == 0 else { throw .connection(.protocolError, "PING on a stream") }
        guard header.length == 8, let opaque: UInt64 = input.getInteger(at: payload) else {
            throw .connection(.frameSizeError, "PING must have 8 octets")
        }
        try abuse.pingFrame(now: now)
        if header.flags.contains(.ack) { return .pingAcknowledged(opaque) }
        if admitControl(17) { output.appendPing(opaque, ack: true) }
        return nil
    }

    /// Section 6.8.
    mutating func receiveGoAway(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) -> HTTP2Event? {
        guard header.streamID == 0 else { throw .connection(.protocolError, "GOAWAY on a stream") }
        guard header.length >= 8, let last: UInt32 = input.getInteger(at: payload),
            let code: UInt32 = input.getInteger(at: payload + 4)
        else { throw .connection(.frameSizeError, "GOAWAY must have at least 8 octets") }
        try abuse.pingFrame(now: now)
        let length = min(header.length - 8, 256)
        // It goes to logs and labels: what is not printable ASCII becomes a dot.
        let octets = input.viewBytes(at: payload + 8, length: length)
        let text = octets?.map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: ".") } ?? []
        return .goAwayReceived(
            HTTP2ErrorCode(rawValue: code),
            debug: String(decoding: text, as: UTF8.self),
            lastStreamID: last & HTTP2Constant.maximumStreamID
        )
    }

    /// Section 6.9.
    mutating func receiveWindowUpdate(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) {
        guard header.length == 4, let raw: UInt32 = input.getInteger(at: payload) else {
            throw .connection(.frameSizeError, "WINDOW_UPDATE must have 4 octets")
        }
        let increment = Int(raw & 0x7fff_ffff)
        try abuse.updateFrame(now: now, dataFrames: counters.dataFrames - crumbs)
        guard header.streamID != 0 else {
            try openConnectionWindow(by: increment)
            return
        }
        let position = table.find(header.streamID)
        guard position >= 0 else {
            if isIdle(header.streamID) { throw .connection(.protocolError, "WINDOW_UPDATE on an idle stream") }
            // Section 5.1: it may arrive after the end of a stream.
            return
        }
        guard increment > 0 else { throw .stream(header.streamID, .protocolError) }
        let window = Int(table[position].sendWindow) + increment
        guard window <= HTTP2Constant.maximumWindow else { throw .stream(header.streamID, .flowControlError) }
        table[position].sendWindow = Int32(window)
        if window > 0 { unstall(position) }
    }

    private mutating func openConnectionWindow(by increment: Int) throws(HTTP2Fault) {
        guard increment > 0 else { throw .connection(.protocolError, "WINDOW_UPDATE of 0 on the connection") }
        guard connectionSendWindow + increment <= HTTP2Constant.maximumWindow else {
            throw .connection(.flowControlError, "connection window above 2^31-1")
        }
        connectionSendWindow += increment
        if let since = connectionStalledSince {
            counters.connectionStalls.nanoseconds += now - since
            connectionStalledSince = nil
        }
    }

    /// Section 6.3: priorities are ignored, their frames are checked all the same.
    mutating func receivePriority(_ header: HTTP2FrameHeader, _ payload: Int) throws(HTTP2Fault) {
        guard header.streamID != 0 else { throw .connection(.protocolError, "PRIORITY on stream 0") }
        try abuse.updateFrame(now: now, dataFrames: counters.dataFrames - crumbs)
        let fault: HTTP2ErrorCode
        if header.length != 5 {
            fault = .frameSizeError
        } else if dependsOnItself(header.streamID, at: payload) {
            fault = .protocolError
        } else {
            return
        }
        if table.find(header.streamID) >= 0 { throw .stream(header.streamID, fault) }
        // Section 6.4: RST_STREAM must not be sent for an idle stream, so its error ends the connection.
        if isIdle(header.streamID) { throw .connection(fault, "PRIORITY of 5 octets, on another stream, is expected") }
    }

    /// RFC 7540 section 5.3.1: a stream cannot depend on itself.
    func dependsOnItself(_ streamID: UInt32, at index: Int) -> Bool {
        guard let dependency: UInt32 = input.getInteger(at: index) else { return false }
        return dependency & 0x7fff_ffff == streamID
    }
}
