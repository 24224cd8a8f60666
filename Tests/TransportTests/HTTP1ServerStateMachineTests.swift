// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// Every input in every state: what the connection is told to do, and where it stands then.
@Suite struct HTTP1ServerStateMachineTests {
    typealias State = HTTP1ServerStateMachine.State

    /// The states, each with the inputs that lead there.
    enum Start: CaseIterable {
        case idle, readingBody, readingLastBody, responding, respondingLast, streaming, lingering, closed

        var machine: HTTP1ServerStateMachine {
            var machine = HTTP1ServerStateMachine()
            switch self {
            case .idle: break
            case .readingBody: _ = machine.headReceived(keepAlive: true)
            case .readingLastBody: _ = machine.headReceived(keepAlive: false)
            case .responding, .streaming:
                _ = machine.headReceived(keepAlive: true)
                _ = machine.endReceived()
                if self == .streaming { _ = machine.streamStarted() }
            case .respondingLast:
                _ = machine.headReceived(keepAlive: false)
                _ = machine.endReceived()
            case .lingering:
                _ = machine.headReceived(keepAlive: false)
                _ = machine.responseStarted(mustClose: true)
            case .closed: _ = machine.inputClosed()
            }
            return machine
        }

        var state: State {
            switch self {
            case .idle: .idle
            case .readingBody: .readingBody(keepAlive: true)
            case .readingLastBody: .readingBody(keepAlive: false)
            case .responding: .responding(keepAlive: true)
            case .respondingLast: .responding(keepAlive: false)
            case .streaming: .streaming
            case .lingering: .lingering
            case .closed: .closed
            }
        }
    }

    @Test(arguments: Start.allCases)
    func theStateIsReached(start: Start) {
        #expect(start.machine.state == start.state)
        #expect(!start.machine.isRetiring)
    }

    @Test(arguments: Start.allCases, [true, false])
    func aHeadIsAcceptedOnlyBetweenRequests(start: Start, keepAlive: Bool) {
        var machine = start.machine
        let action = machine.headReceived(keepAlive: keepAlive)
        switch start {
        case .idle:
            #expect(action == .accept)
            #expect(machine.state == .readingBody(keepAlive: keepAlive))
        case .responding, .respondingLast:
            #expect(action == .hold)
            #expect(machine.state == start.state)
        case .readingBody, .readingLastBody, .streaming, .lingering, .closed:
            #expect(action == .discard)
            #expect(machine.state == start.state)
        }
    }

    @Test(arguments: Start.allCases)
    func bodyBytesAreTakenOnlyWhileTheBodyIsRead(start: Start) {
        #expect(start.machine.acceptsBody == (start == .readingBody || start == .readingLastBody))
    }

    @Test(arguments: Start.allCases)
    func theEndCompletesOnlyTheRequestBeingRead(start: Start) {
        var machine = start.machine
        let isComplete = machine.endReceived()
        switch start {
        case .readingBody, .readingLastBody:
            #expect(isComplete)
            #expect(machine.state == .responding(keepAlive: start == .readingBody))
        default:
            #expect(!isComplete)
            #expect(machine.state == start.state)
        }
    }

    @Test(arguments: Start.allCases, [true, false])
    func aResponseKeepsTheConnectionOnlyAfterAWholeRequestThatWantsIt(start: Start, mustClose: Bool) {
        var machine = start.machine
        let action = machine.responseStarted(mustClose: mustClose)
        switch start {
        case .responding where !mustClose:
            #expect(action == .keepAlive)
            #expect(machine.state == .idle)
        case .idle, .readingBody, .readingLastBody, .responding, .respondingLast:
            #expect(action == .close)
            #expect(machine.state == .lingering)
        case .streaming, .lingering, .closed:
            #expect(action == .drop)
            #expect(machine.state == start.state)
        }
    }

    @Test(arguments: Start.allCases)
    func aStreamStartsOnlyAsTheAnswerToAWholeRequest(start: Start) {
        var machine = start.machine
        let didStart = machine.streamStarted()
        let canStart = start == .responding || start == .respondingLast
        #expect(didStart == canStart)
        #expect(machine.state == (canStart ? .streaming : start.state))
    }

    @Test(arguments: Start.allCases)
    func onlyAnOpenStreamIsFinished(start: Start) {
        var machine = start.machine
        let didFinish = machine.streamFinished()
        #expect(didFinish == (start == .streaming))
        #expect(machine.state == (start == .streaming ? .lingering : start.state))
        let didFinishAgain = machine.streamFinished()
        #expect(!didFinishAgain)
    }

    @Test(arguments: Start.allCases)
    func thePeersEndClosesUnlessAnAnswerIsDue(start: Start) {
        var machine = start.machine
        let action = machine.inputClosed()
        switch start {
        case .responding, .respondingLast:
            #expect(action == .closeAfterResponse)
            #expect(machine.state == start.state)
            #expect(machine.isRetiring)
            let answer = machine.responseStarted(mustClose: false)
            #expect(answer == .close)
        case .streaming:
            #expect(action == .endStream)
            #expect(machine.state == .closed)
        case .idle, .readingBody, .readingLastBody, .lingering, .closed:
            #expect(action == .close)
            #expect(machine.state == .closed)
        }
    }

    @Test(arguments: Start.allCases)
    func aLostConnectionTellsTheEndOfAnOpenStreamOnce(start: Start) {
        var machine = start.machine
        let wasStreaming = machine.connectionLost()
        #expect(wasStreaming == (start == .streaming))
        #expect(machine.state == .closed)
        let isToldAgain = machine.connectionLost()
        #expect(!isToldAgain)
    }

    @Test(arguments: Start.allCases)
    func onlyARequestBeforeItsAnswerAwaitsAResponse(start: Start) {
        #expect(start.machine.awaitsResponse == (start == .responding || start == .respondingLast))
    }

    @Test(arguments: Start.allCases, [true, false])
    func retiringClosesAnIdleConnectionAndLeavesAnOpenStream(start: Start, isFresh: Bool) {
        var machine = start.machine
        let action = machine.retire(isFresh: isFresh)
        #expect(machine.isRetiring)
        switch start {
        case .idle where !isFresh:
            #expect(action == .closeNow)
            #expect(machine.state == .closed)
        case .streaming:
            #expect(action == .leaveStream)
            #expect(machine.state == .streaming)
        default:
            #expect(action == .afterResponse)
            #expect(machine.state == start.state)
        }
    }

    @Test func aRetiringConnectionClosesWithTheResponseUnderWay() {
        var machine = Start.readingBody.machine
        _ = machine.retire(isFresh: false)
        let isComplete = machine.endReceived()
        let answer = machine.responseStarted(mustClose: false)
        let next = machine.headReceived(keepAlive: true)
        #expect(isComplete)
        #expect(answer == .close)
        #expect(next == .discard)
    }

    @Test func aRetiringConnectionMayStillOpenItsStream() {
        var machine = Start.responding.machine
        _ = machine.retire(isFresh: false)
        let didStart = machine.streamStarted()
        let didFinish = machine.streamFinished()
        #expect(didStart)
        #expect(didFinish)
        #expect(machine.state == .lingering)
    }

    @Test func aRequestIsAnsweredOnce() {
        var machine = Start.respondingLast.machine
        let first = machine.responseStarted(mustClose: false)
        let second = machine.responseStarted(mustClose: false)
        let didStart = machine.streamStarted()
        #expect(first == .close)
        #expect(second == .drop)
        #expect(!didStart)
    }
}
