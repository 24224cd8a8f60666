// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Leaving: GOAWAY in two steps (RFC 9113 section 6.8), and what only time can end.

extension HTTP2ServerSession {
    /// First step: no new streams, please. Those that are on their way are still served. Follow with
    /// ``goAway(_:debug:)`` after a round trip or more (``ping(_:)``).
    public mutating func goAwayGracefully(debug: String = "") {
        guard case .none = goAwayState, !isFailed, admitControl(17) else { return }
        goAwayState = .graceful
        output.appendGoAway(lastStreamID: HTTP2Constant.maximumStreamID, .noError, debug: debug)
    }

    /// Second step: streams beyond the last one we have processed are ignored from now on; open ones go on.
    public mutating func goAway(_ code: HTTP2ErrorCode = .noError, debug: String = "") {
        guard !isFailed, admitControl(17) else { return }
        if case .final = goAwayState { return }
        goAwayState = .final(lastProcessedStreamID)
        output.appendGoAway(lastStreamID: lastProcessedStreamID, code, debug: debug)
    }

    /// Whether our final GOAWAY is out and the last stream is over: the driver may close after a flush.
    public var isDrained: Bool {
        if case .final = goAwayState { table.count == 0 } else { false }
    }

    /// What only time can end; call it about once a second. May produce output, and a connection error.
    public mutating func tick(now: Int64) {
        advance(to: now)
        guard !isFailed else { return }
        while !lingering.isEmpty, now - table[lingering.first].since >= configuration.lingerNanoseconds {
            // Section 8.1: the response is complete, the rest of the request is not wanted.
            sendReset(table[lingering.first].id, .noError)
            end(lingering.first, .resetByUs)
        }
        if !settingsAcknowledged, now - startedAt >= configuration.settingsTimeoutNanoseconds {
            fail(.settingsTimeout, "SETTINGS were not acknowledged")
        }
    }
}
