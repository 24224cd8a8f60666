// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct SpanExporterStateMachineTests {
    private typealias Machine = SpanExporterStateMachine
    private static let second: Int64 = 1_000_000_000

    private func waiting(_ count: Int, since: Int64 = 0, flush: Bool = false) -> Machine.Waiting {
        Machine.Waiting(count: count, since: since * Self.second, isFlushing: flush)
    }

    /// A machine that has just sent a batch of ten, at second 0.
    private func sending() -> Machine {
        var machine = Machine()
        machine.batchTaken(spans: 10, now: 0)
        return machine
    }

    private static let retryable = OTLPVerdict.retryable(cause: "status 503", after: nil)

    // MARK: When a batch goes

    @Test(
        arguments: [
            (0, 0, false, .sleep(until: nil)), (1, 0, false, .sleep(until: 5 * second)),
            (511, 4, false, .sleep(until: 5 * second)), (512, 0, false, .takeBatch(512)),
            (1, 5, false, .takeBatch(512)),
            (1, 0, true, .takeBatch(512)), (0, 9, true, .sleep(until: nil)),
        ] as [(Int, Int64, Bool, SpanExporterStateMachine.Step)])
    func aBatchGoesWhenItIsFullOrOldOrWanted(count: Int, now: Int64, flush: Bool, step: SpanExporterStateMachine.Step) {
        #expect(Machine().next(waiting(count, flush: flush), now: now * Self.second) == step)
    }

    @Test func oneExportIsInFlightAtATime() {
        let machine = sending()
        #expect(machine.next(waiting(5000), now: 0) == .send(timeout: 10 * Self.second))
        var other = machine
        other.batchTaken(spans: 5, now: 0)
        #expect(other == machine)
    }

    // MARK: Answers

    @Test(arguments: [(0, 10, 0), (3, 7, 3), (10, 0, 10), (11, 0, 10), (-4, 10, 0)] as [(Int64, Int, Int)])
    func aDeliveredBatchIsCountedOnce(reported: Int64, exported: Int, rejected: Int) {
        var machine = sending()
        let outcome = machine.answered(.delivered(rejected: reported, message: "m"), now: 1, jitter: 0)
        #expect(outcome == .exported(exported, rejected: rejected, message: "m"))
        #expect(machine.next(waiting(0), now: 1) == .sleep(until: nil))
        #expect(machine.answered(.delivered(rejected: 0, message: ""), now: 1, jitter: 0) == nil)
    }

    @Test func aFinalAnswerDropsTheBatch() {
        var machine = sending()
        let outcome = machine.answered(.final(.refused, cause: "status 400"), now: 1, jitter: 0)
        #expect(outcome == .dropped(10, .refused, cause: "status 400"))
        #expect(machine.next(waiting(512), now: 1) == .takeBatch(512))
    }

    @Test(arguments: [(0.0, [500, 1000, 2000, 4000, 8000, 8000]), (1.0, [1000, 2000, 4000, 8000])])
    func waitsDoubleWithJitterUntilTheDeadline(jitter: Double, milliseconds: [Int64]) {
        var machine = sending()
        var now: Int64 = 0
        for wait in milliseconds {
            let at = now + wait * 1_000_000
            #expect(machine.answered(Self.retryable, now: now, jitter: jitter) == .retry(at: at, cause: "status 503"))
            #expect(machine.next(waiting(512), now: at - 1) == .sleep(until: at))
            // The last attempt has what is left of thirty seconds.
            #expect(machine.next(waiting(512), now: at) == .send(timeout: min(10 * Self.second, 30 * Self.second - at)))
            now = at
        }
        let last = machine.answered(Self.retryable, now: now, jitter: 1)
        #expect(last == .dropped(10, .retriesExhausted, cause: "status 503"))
        #expect(machine.next(waiting(0), now: now) == .sleep(until: nil))
    }

    @Test func theCollectorsDelayIsKeptToTheNanosecond() {
        var machine = sending()
        let after = 7 * Self.second
        #expect(
            machine.answered(.retryable(cause: "status 429", after: after), now: 1, jitter: 0.5)
                == .retry(at: after + 1, cause: "status 429"))
        #expect(machine.next(waiting(0), now: after) == .sleep(until: after + 1))
        #expect(machine.next(waiting(0), now: after + 1) == .send(timeout: 10 * Self.second))
    }

    @Test func aDelayBeyondTheDeadlineDropsTheBatchAndHoldsBackTheNext() {
        var machine = sending()
        let verdict = OTLPVerdict.retryable(cause: "status 503", after: 100 * Self.second)
        #expect(machine.answered(verdict, now: 0, jitter: 0) == .dropped(10, .retriesExhausted, cause: "status 503"))
        #expect(machine.next(waiting(512), now: 99 * Self.second) == .sleep(until: 100 * Self.second))
        #expect(machine.next(waiting(512, flush: true), now: 99 * Self.second) == .sleep(until: 100 * Self.second))
        #expect(machine.next(waiting(512), now: 100 * Self.second) == .takeBatch(512))
    }

    @Test func aCollectorCannotSilenceTheExporterForLongerThanFiveMinutes() {
        var machine = sending()
        _ = machine.answered(.retryable(cause: "", after: 1_000_000 * Self.second), now: 0, jitter: 0)
        #expect(machine.next(waiting(512), now: 300 * Self.second) == .takeBatch(512))
    }

    // MARK: Shutdown

    @Test func shuttingDownSendsWhatIsThereAndFinishes() {
        var machine = Machine()
        machine.shutDown(deadline: 5 * Self.second)
        #expect(machine.next(waiting(1), now: 0) == .takeBatch(512))
        machine.batchTaken(spans: 1, now: 0)
        #expect(machine.next(waiting(0), now: Self.second) == .send(timeout: 4 * Self.second))
        _ = machine.answered(.delivered(rejected: 0, message: ""), now: Self.second, jitter: 0)
        #expect(machine.next(waiting(0), now: Self.second) == .finish)
    }

    @Test func shuttingDownCutsOurOwnWaitForOneLastAttempt() {
        var machine = sending()
        _ = machine.answered(Self.retryable, now: 0, jitter: 1)
        machine.shutDown(deadline: 5 * Self.second)
        #expect(machine.next(waiting(0), now: 1) == .send(timeout: 5 * Self.second - 1))
        // The next wait would be two seconds of the five.
        #expect(
            machine.answered(Self.retryable, now: 4 * Self.second, jitter: 1)
                == .dropped(10, .shutdown, cause: "status 503"))
    }

    @Test func onlyTheWaitUnderWayIsCutAndLaterOnesBackOffAsEver() {
        var machine = sending()
        _ = machine.answered(Self.retryable, now: 0, jitter: 1)
        machine.shutDown(deadline: 5 * Self.second)
        machine.shutDown(deadline: 5 * Self.second)
        #expect(machine.next(waiting(0), now: 1) == .send(timeout: 5 * Self.second - 1))
        let answer = machine.answered(Self.retryable, now: 1, jitter: 1)
        guard case .retry(let next, _) = answer else { return #expect(Bool(false), "\(String(describing: answer))") }
        machine.shutDown(deadline: 5 * Self.second)
        #expect(machine.next(waiting(0), now: 2) == .sleep(until: next))
    }

    @Test func theCollectorsDelayIsNotCutEvenThen() {
        var machine = sending()
        _ = machine.answered(.retryable(cause: "", after: 3 * Self.second), now: 0, jitter: 0)
        machine.shutDown(deadline: 5 * Self.second)
        #expect(machine.next(waiting(0), now: Self.second) == .sleep(until: 3 * Self.second))
        var hopeless = sending()
        _ = hopeless.answered(.retryable(cause: "", after: 9 * Self.second), now: 0, jitter: 0)
        hopeless.shutDown(deadline: 5 * Self.second)
        #expect(hopeless.next(waiting(0), now: Self.second) == .abandon)
    }

    @Test func theBoundOfTheShutdownEndsEverything() {
        var machine = sending()
        machine.shutDown(deadline: 5 * Self.second)
        #expect(machine.next(waiting(7), now: 5 * Self.second) == .abandon)
        machine.finished()
        #expect(machine.next(waiting(7), now: 0) == .finish)
        // A later bound does not extend an earlier one.
        machine.shutDown(deadline: 9 * Self.second)
        #expect(machine.shutdownDeadline == 5 * Self.second)
    }

    // MARK: Complaints

    @Test func eachKindIsLoggedOnceAMinuteWithTheNumberOfThoseLeftOut() {
        var complaints = ExportComplaints()
        #expect(complaints.admit(.retry, now: 0) == 0)
        #expect(complaints.admit(.dropped(.refused), now: 0) == 0)
        #expect(complaints.admit(.retry, now: 1) == nil && complaints.admit(.retry, now: 59 * Self.second) == nil)
        #expect(complaints.admit(.retry, now: 60 * Self.second) == 2)
        #expect(complaints.admit(.retry, now: 120 * Self.second) == 0)
    }
}
