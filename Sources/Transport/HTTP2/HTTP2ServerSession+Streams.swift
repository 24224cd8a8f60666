// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The life of a stream inside the session: how it ends, and what late frames on it mean.

extension HTTP2ServerSession {
    /// Section 5.1: never opened, and not skipped either. We open no streams, so even identifiers stay idle.
    func isIdle(_ streamID: UInt32) -> Bool {
        streamID > lastStreamID || streamID & 1 == 0
    }

    /// Milliseconds since the session began, wrapping around after 49 days; only differences of it mean something.
    var milliseconds: UInt32 {
        UInt32(truncatingIfNeeded: (now - startedAt) / 1_000_000)
    }

    /// DATA or a field block on a stream that is over (section 5.1, "closed").
    mutating func frameOnClosedStream(_ streamID: UInt32) throws(HTTP2Fault) {
        if case .final(let last) = goAwayState, streamID > last { return }
        switch closed.ending(of: streamID) {
        case .resetByUs:
            // It was on its way. This is the grace that section 5.1 demands.
            return
        case .complete:
            throw .connection(.streamClosed, "frame on a stream after END_STREAM")
        case .resetByPeer, nil:
            throw .stream(streamID, .streamClosed)
        }
    }

    /// Carries out what a fault demands.
    mutating func settle(_ fault: HTTP2Fault) -> HTTP2Event? {
        switch fault {
        case .connection(let code, let reason):
            fail(code, reason)
            return nil
        case .stream(let streamID, let code):
            do throws(HTTP2Fault) {
                try abuse.provokedReset(now: now)
            } catch {
                return settle(error)
            }
            counters.resetsProvoked += 1
            sendReset(streamID, code)
            let position = table.find(streamID)
            guard position >= 0 else {
                closed.markResetByUs(streamID)
                return nil
            }
            let event = endedEvent(position, .violation(code))
            end(position, .resetByUs)
            return event
        }
    }

    /// Section 5.4.1: GOAWAY, then nothing more. The driver closes once the output is written.
    mutating func fail(_ code: HTTP2ErrorCode, _ reason: StaticString) {
        guard !isFailed else { return }
        output.appendGoAway(lastStreamID: lastProcessedStreamID, code, debug: "\(reason)")
        headerBlock = nil
        phase = .failed(code, reason, reported: false)
    }

    /// The event for a stream that is about to end; lingering streams are no longer the caller's.
    mutating func endedEvent(_ position: Int32, _ cause: HTTP2StreamEnd) -> HTTP2Event? {
        guard !table[position].state.contains(.lingering) else { return nil }
        return .streamEnded(table.slot(at: position), cause, stalls(at: position))
    }

    /// Removes a stream from all books. Body bytes that nobody consumed go back to the connection window.
    mutating func end(_ position: Int32, _ ending: HTTP2ClosedStreams.Ending) {
        settleStall(at: position)
        let stream = table[position]
        if stream.state.contains(.queued) { waiting.remove(position, in: &table) }
        if stream.state.contains(.lingering) { lingering.remove(position, in: &table) }
        if turn == position { turn = -1 }
        closed.remember(stream.id, ending)
        table.close(position)
        giveBackToConnection(Int(stream.unconsumed))
    }

    /// END_STREAM of ours is written: the slot dies, the stream lives on while the request does.
    mutating func finishLocally(_ position: Int32) {
        guard !table[position].state.contains(.remoteClosed) else {
            end(position, .complete)
            return
        }
        settleStall(at: position)
        if table[position].state.contains(.queued) { waiting.remove(position, in: &table) }
        if turn == position { turn = -1 }
        giveBackToConnection(Int(table[position].unconsumed))
        table[position].unconsumed = 0
        table[position].state = [.lingering, .headersSent]
        table[position].since = now
        table[position].bodyRemaining = Int64(configuration.maxDiscardedBytes)
        table.retireSlot(at: position)
        lingering.append(position, in: &table)
    }

    mutating func giveBackToConnection(_ count: Int) {
        guard count > 0 else { return }
        let increment = connectionReceive.giveBack(count)
        if increment > 0, admitControl(13) { output.appendWindowUpdate(0, increment: increment) }
    }

    mutating func giveBackToStream(at position: Int32) {
        guard !table[position].state.contains(.remoteClosed) else { return }
        let outstanding = Int(table[position].receiveWindow) + Int(table[position].unconsumed)
        let increment = streamReceiveWindow - outstanding
        guard increment > 0, increment * 2 >= streamReceiveWindow, admitControl(13) else { return }
        table[position].receiveWindow += Int32(increment)
        output.appendWindowUpdate(table[position].id, increment: increment)
    }
}
