// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

@Suite struct TLSStateMachineTests {
    private static func machine(
        _ state: TLSStateMachine.State,
        allowsHalfClosure: Bool = true
    ) -> TLSStateMachine {
        var machine = TLSStateMachine(allowsHalfClosure: allowsHalfClosure)
        if state == .idle { return machine }
        _ = machine.connected()
        if state == .handshaking { return machine }
        _ = machine.handshakeCompleted()
        switch state {
        case .idle, .handshaking, .open: break
        case .inputClosed: _ = machine.peerClosed()
        case .outputClosed: _ = machine.outputCloseRequested()
        case .closing: _ = machine.closeRequested(peerReads: true)
        case .closed: _ = machine.failed()
        }
        #expect(machine.state == state)
        return machine
    }

    private static let all: [TLSStateMachine.State] = [
        .idle, .handshaking, .open, .inputClosed, .outputClosed, .closing, .closed,
    ]

    @Test(arguments: all)
    func connectsOnce(state: TLSStateMachine.State) {
        var machine = Self.machine(state)
        #expect(machine.connected() == (state == .idle ? .startHandshake : .nothing))
    }

    @Test(arguments: all)
    func handshakeIsAnnouncedOnce(state: TLSStateMachine.State) {
        var machine = Self.machine(state)
        #expect(machine.handshakeCompleted() == (state == .handshaking ? .announce : .nothing))
    }

    @Test(arguments: [
        (TLSStateMachine.State.idle, TLSStateMachine.ReceiveAction.handshake, TLSStateMachine.WriteAction.hold),
        (.handshaking, .handshake, .hold), (.open, .decrypt, .encrypt), (.inputClosed, .discard, .encrypt),
        (.outputClosed, .decrypt, .refuse), (.closing, .discard, .refuse), (.closed, .discard, .refuse),
    ])
    func bytesGoWhereTheStateAllows(
        state: TLSStateMachine.State,
        received: TLSStateMachine.ReceiveAction,
        written: TLSStateMachine.WriteAction
    ) {
        let machine = Self.machine(state)
        #expect(machine.received() == received)
        #expect(machine.written() == written)
    }

    @Test(arguments: all)
    func failureIsReportedOnceAndNotAfterOurClose(state: TLSStateMachine.State) {
        var machine = Self.machine(state)
        #expect(machine.failed() == ([.closing, .closed].contains(state) ? .ignore : .report))
        #expect(machine.failed() == .ignore)
    }

    @Test(arguments: all)
    func timeoutMattersDuringTheHandshakeAlone(state: TLSStateMachine.State) {
        var machine = Self.machine(state)
        #expect(machine.handshakeTimedOut() == (state == .handshaking ? .report : .ignore))
        #expect(machine.state == (state == .handshaking ? .closed : state))
    }

    @Test(arguments: [
        (TLSStateMachine.State.idle, TLSStateMachine.PeerCloseAction.ignore, TLSStateMachine.State.idle),
        (.handshaking, .ignore, .handshaking), (.open, .reportAndKeepWriting, .inputClosed),
        (.inputClosed, .ignore, .inputClosed), (.outputClosed, .reportAndClose, .closed),
        (.closing, .ignore, .closing), (.closed, .ignore, .closed),
    ])
    func peersCloseNotifyEndsItsDirection(
        state: TLSStateMachine.State,
        action: TLSStateMachine.PeerCloseAction,
        then: TLSStateMachine.State
    ) {
        var machine = Self.machine(state)
        #expect(machine.peerClosed() == action)
        #expect(machine.state == then)
    }

    @Test func peersCloseNotifyEndsBothDirectionsWithoutHalfClosure() {
        var machine = Self.machine(.open, allowsHalfClosure: false)
        #expect(machine.peerClosed() == .reportAndAnswer)
        #expect(machine.state == .closing)
        #expect(machine.closeRequested(peerReads: true) == .joinClose)
        #expect(machine.closeNotifyFinished() == .closeSocket)
        #expect(machine.closeNotifyFinished() == .nothing)
    }

    @Test(arguments: [
        (TLSStateMachine.State.idle, TLSStateMachine.SocketEndAction.nothing), (.handshaking, .failHandshake),
        (.open, .reportTruncation), (.inputClosed, .nothing), (.outputClosed, .reportTruncation),
        (.closing, .nothing), (.closed, .nothing),
    ])
    func endOfTheSocketIsJudgedByTheState(state: TLSStateMachine.State, action: TLSStateMachine.SocketEndAction) {
        var whole = Self.machine(state)
        #expect(whole.socketEnded(completely: true) == action)
        #expect(whole.state == .closed)
        var half = Self.machine(state)
        #expect(half.socketEnded(completely: false) == action)
        #expect(half.socketEnded(completely: true) == .nothing || state == .idle)
    }

    @Test(arguments: all, [true, false])
    func closeSendsCloseNotifyToAPeerThatReads(state: TLSStateMachine.State, peerReads: Bool) {
        var machine = Self.machine(state)
        let action = machine.closeRequested(peerReads: peerReads)
        switch state {
        case .open, .inputClosed: #expect(action == (peerReads ? .sendCloseNotifyThenCloseSocket : .closeSocket))
        case .closing: #expect(action == .joinClose)
        case .idle, .handshaking, .outputClosed, .closed: #expect(action == .closeSocket)
        }
    }

    @Test(arguments: all)
    func outputClosesOnce(state: TLSStateMachine.State) {
        var machine = Self.machine(state)
        let action = machine.outputCloseRequested()
        switch state {
        case .open: #expect(action == .sendCloseNotify)
        case .inputClosed: #expect(action == .sendCloseNotifyThenCloseSocket)
        default: #expect(action == .refuse)
        }
        #expect(machine.outputCloseRequested() == .refuse)
    }

    @Test func answersToAPeerThatDoesNotReadAreBounded() {
        var machine = Self.machine(.open)
        for _ in 0..<1000 {
            #expect(machine.answered(peerReads: true) == .send)
        }
        for _ in 0..<TLSStateMachine.unreadAnswersLimit {
            #expect(machine.answered(peerReads: false) == .send)
        }
        #expect(machine.answered(peerReads: false) == .failControlFlood)
    }
}
