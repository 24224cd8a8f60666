// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The life of one TLS connection as `TLSHandler` sees it: what is allowed when, and what each happening leads to.
///
/// Pure: it knows no bytes, no time and no channel. Cryptography is `TLSConnection`'s, carrying out is `TLSHandler`'s.
///
///     idle ─► handshaking ─► open ─┬─► inputClosed ──┬─► closing ─► closed
///                                  └─► outputClosed ─┘
///
/// Every state can go to `closed`: by a failure, or by the end of the socket.
struct TLSStateMachine: ~Copyable {
    enum State: Hashable {
        /// The socket is not connected yet.
        case idle
        case handshaking
        case open
        /// The peer has ended its direction; ours is open.
        case inputClosed
        /// We have ended our direction; the peer's is open.
        case outputClosed
        /// Our `close_notify` is on its way, after which the socket closes.
        case closing
        case closed
    }

    private(set) var state = State.idle
    private let allowsHalfClosure: Bool
    /// Protocol answers written while the peer does not read.
    private var unreadAnswers = 0

    /// A peer may have some key updates under way when its receive window closes. More is abuse: each answer is memory.
    static let unreadAnswersLimit = 16

    init(allowsHalfClosure: Bool) {
        self.allowsHalfClosure = allowsHalfClosure
    }

    enum ConnectAction { case startHandshake, nothing }

    mutating func connected() -> ConnectAction {
        guard state == .idle else { return .nothing }
        state = .handshaking
        return .startHandshake
    }

    enum ReceiveAction { case handshake, decrypt, discard }

    /// Ciphertext is there, or more of it after the last action.
    func received() -> ReceiveAction {
        switch state {
        case .idle, .handshaking: .handshake
        case .open, .outputClosed: .decrypt
        // RFC 8446 section 6.1: bytes after close_notify are ignored.
        case .inputClosed, .closing, .closed: .discard
        }
    }

    enum CompleteAction { case announce, nothing }

    mutating func handshakeCompleted() -> CompleteAction {
        guard state == .handshaking else { return .nothing }
        state = .open
        return .announce
    }

    enum WriteAction {
        case encrypt
        /// Keep it until the handshake is done.
        case hold
        case refuse
    }

    func written() -> WriteAction {
        switch state {
        case .idle, .handshaking: .hold
        case .open, .inputClosed: .encrypt
        case .outputClosed, .closing, .closed: .refuse
        }
    }

    enum AnswerAction { case send, failControlFlood }

    /// Reading has produced bytes for the peer: an answer to a key update, a refused renegotiation.
    mutating func answered(peerReads: Bool) -> AnswerAction {
        unreadAnswers = peerReads ? 0 : unreadAnswers + 1
        return unreadAnswers > Self.unreadAnswersLimit ? .failControlFlood : .send
    }

    enum FailAction {
        /// Send the alert, tell the pipeline, close the socket.
        case report
        case ignore
    }

    mutating func failed() -> FailAction {
        switch state {
        case .closing, .closed:
            return .ignore
        default:
            state = .closed
            return .report
        }
    }

    /// The time for the handshake is over.
    mutating func handshakeTimedOut() -> FailAction {
        guard state == .handshaking else { return .ignore }
        return failed()
    }

    enum PeerCloseAction {
        /// Tell the pipeline, and go on writing.
        case reportAndKeepWriting
        /// Tell the pipeline, send our `close_notify`, then close the socket.
        case reportAndAnswer
        /// Tell the pipeline and close the socket: both directions have ended.
        case reportAndClose
        case ignore
    }

    /// The peer's `close_notify` was read.
    mutating func peerClosed() -> PeerCloseAction {
        switch state {
        case .open where allowsHalfClosure:
            state = .inputClosed
            return .reportAndKeepWriting
        case .open:
            state = .closing
            return .reportAndAnswer
        case .outputClosed:
            state = .closed
            return .reportAndClose
        case .idle, .handshaking, .inputClosed, .closing, .closed:
            return .ignore
        }
    }

    enum SocketEndAction {
        case reportTruncation
        case failHandshake
        case nothing
    }

    /// The peer's FIN while the socket lives on (`ChannelEvent.inputClosed`), or the end of the socket.
    mutating func socketEnded(completely: Bool) -> SocketEndAction {
        let before = state
        switch (before, completely) {
        case (_, true): state = .closed
        case (.open, false): state = .inputClosed
        case (.handshaking, false), (.outputClosed, false): state = .closed
        default: break
        }
        switch before {
        case .handshaking: return .failHandshake
        case .open, .outputClosed: return .reportTruncation
        case .idle, .inputClosed, .closing, .closed: return .nothing
        }
    }

    enum CloseAction {
        case closeSocket
        case sendCloseNotifyThenCloseSocket
        /// A close is under way: the new request ends with it.
        case joinClose
    }

    /// The pipeline asks for the end of both directions.
    ///
    /// - Parameter peerReads: False when the socket takes no more bytes for now: a peer that does not read would not
    ///   read a `close_notify` either, and must not hold up the close.
    mutating func closeRequested(peerReads: Bool) -> CloseAction {
        switch state {
        case .open, .inputClosed:
            state = peerReads ? .closing : .closed
            return peerReads ? .sendCloseNotifyThenCloseSocket : .closeSocket
        case .closing:
            return .joinClose
        case .idle, .handshaking, .outputClosed, .closed:
            state = .closed
            return .closeSocket
        }
    }

    enum OutputCloseAction {
        /// Send `close_notify`, then end the socket's output.
        case sendCloseNotify
        /// The peer has ended before: this is the end of both directions.
        case sendCloseNotifyThenCloseSocket
        case refuse
    }

    /// The pipeline asks for the end of our direction.
    mutating func outputCloseRequested() -> OutputCloseAction {
        switch state {
        case .open:
            state = .outputClosed
            return .sendCloseNotify
        case .inputClosed:
            state = .closing
            return .sendCloseNotifyThenCloseSocket
        case .idle, .handshaking, .outputClosed, .closing, .closed:
            return .refuse
        }
    }

    enum FinishAction { case closeSocket, nothing }

    /// Our `close_notify` is written, or the time for it is over.
    mutating func closeNotifyFinished() -> FinishAction {
        guard state == .closing else { return .nothing }
        state = .closed
        return .closeSocket
    }
}
