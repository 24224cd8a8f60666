// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Streams and connections that ended without our doing, from the transport's word to their place in the books. One
// HTTP/2 connection that breaks ends all of its streams in one turn, so they are dealt with in slices.

import NIOCore
import Transport

extension Shard {
    /// Streams before other work gets its turn: some 0.9 ms.
    private static let endingsPerTurn = 512

    enum Ending {
        /// `at` is monotonic nanoseconds: streams that ended together are judged as such, however late their slice is.
        case stream(StreamToken, StreamEnd, at: Int64)
        case connection(Connection)
    }

    func streamEnded(_ token: StreamToken, _ end: StreamEnd) {
        self.endings.append(.stream(token, end, at: Clock.monotonic()))
        guard !self.isSettlingEndings else { return }
        self.isSettlingEndings = true
        self.later { $0.settleEndings() }
    }

    func connectionEnded(_ connection: Connection) {
        guard connection.listener == ListenerName.open else { return }
        // Behind its streams.
        if self.isSettlingEndings { self.endings.append(.connection(connection)) } else { self.settle(connection) }
    }

    private func settleEndings() {
        var left = Self.endingsPerTurn
        while left > 0, let ending = self.endings.popFirst() {
            self.settle(ending)
            left -= 1
        }
        guard self.endings.isEmpty else { return self.afterInput { $0.settleEndings() } }
        self.isSettlingEndings = false
        // The memory of a storm is given back.
        if self.endings.capacity > 2 * Self.endingsPerTurn { self.endings = CircularBuffer() }
    }

    /// Before the loop ends.
    func settleAllEndings() {
        while let ending = self.endings.popFirst() { self.settle(ending) }
    }

    private func settle(_ ending: Ending) {
        switch ending {
        case .stream(let token, let end, let time):
            guard self.streams.find(token) != nil else { return }
            self.close(token.slot, ending: CloseEvidence.Ending(end.cause), socket: end.socket, now: time)
        case .connection(let connection): self.settle(connection)
        }
    }

    private func settle(_ connection: Connection) {
        self.metrics.connectionEnded(connection)
        self.traceConnectionEnd(connection)
        guard connection.applicationProtocol == .http2, connection.peakStreams > 0 else { return }
        self.shared.closes.connectionEnded(connection.id)
    }
}

extension CloseEvidence.Ending {
    /// What the transport saw, in the classifier's terms.
    init(_ cause: StreamEnd.Cause) {
        self =
            switch cause {
            case .fin: .peer(.fin)
            case .reset: .peer(.reset)
            case .writeFailed(let code): .peer(.writeFailed(errno: code))
            case .timedOut(let code): .peer(.timedOut(errno: code))
            case .inputOverflow: .origin(.protocolError("more input behind the stream than is allowed"))
            case .rstStream(let code): .peer(.rstStream(code: code))
            case .goAway(let code, let debug): .peer(.goAway(code: code, debug: debug))
            case .tcpEndUnderOpenStreams(let isReset): .peer(.tcpEndUnderOpenStreams(reset: isReset))
            case .violation(let code): .origin(.protocolError(HTTP2ErrorCode(rawValue: code).description))
            }
    }
}
