// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

@testable import Telemetry

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
    private struct Sleeper {
        let until: Int64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Int64 = 0
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [(Int64, CheckedContinuation<Void, Never>)] = []
        var cancelled: Set<Int> = []
        var next = 0
    }

    static let second: Int64 = 1_000_000_000
    private let state = Mutex(State())

    var clock: TelemetryClock {
        TelemetryClock(
            monotonic: { self.now }, unix: { self.now + 1_790_000_000 * Self.second },
            sleep: { try await self.sleep(until: $0) })
    }

    var now: Int64 { state.withLock { $0.now } }

    var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Moves on and wakes whoever's time has come.
    func advance(to instant: Int64) {
        let woken = state.withLock { state in
            state.now = max(state.now, instant)
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Returns when someone sleeps until exactly this instant.
    func sleeper(until instant: Int64) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.values.contains(where: { $0.until == instant }) { return true }
                state.watchers.append((instant, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private func sleep(until instant: Int64) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Verdict { case due, cancelled, asleep }
                let (verdict, watchers) = state.withLock { state -> (Verdict, [CheckedContinuation<Void, Never>]) in
                    if state.cancelled.remove(id) != nil { return (.cancelled, []) }
                    if state.now >= instant { return (.due, []) }
                    state.sleepers[id] = Sleeper(until: instant, continuation: continuation)
                    let watchers = state.watchers.filter { $0.0 == instant }.map(\.1)
                    state.watchers.removeAll { $0.0 == instant }
                    return (.asleep, watchers)
                }
                for watcher in watchers { watcher.resume() }
                switch verdict {
                case .due: continuation.resume()
                case .cancelled: continuation.resume(throwing: CancellationError())
                case .asleep: break
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                if let sleeper = state.sleepers.removeValue(forKey: id) { return sleeper }
                state.cancelled.insert(id)
                return nil
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}

/// A collector that answers each request as the test says, when the test says.
final class ScriptedCollector: Sendable {
    private let requests: AsyncStream<OTLPRequest>
    private let requestInput: AsyncStream<OTLPRequest>.Continuation
    private let answers: AsyncStream<OTLPSendResult>
    private let answerInput: AsyncStream<OTLPSendResult>.Continuation

    init() {
        (requests, requestInput) = AsyncStream.makeStream()
        (answers, answerInput) = AsyncStream.makeStream()
    }

    var sender: OTLPSender {
        { request in
            self.requestInput.yield(request)
            var iterator = self.answers.makeAsyncIterator()
            // A cancelled task gets no answer.
            return await iterator.next() ?? .lostBeforeResponse("cancelled")
        }
    }

    func request() async -> OTLPRequest? {
        var iterator = requests.makeAsyncIterator()
        return await iterator.next()
    }

    func answer(_ result: OTLPSendResult) { answerInput.yield(result) }

    static func status(_ status: Int, _ headers: [OTLPHeader] = [], body: [UInt8] = []) -> OTLPSendResult {
        .response(status: status, headers: headers, body: body)
    }

    /// `ExportTraceServiceResponse { partial_success { rejected_spans, error_message } }`, for counts below 128.
    static func partial(rejected: UInt8, message: String = "") -> OTLPSendResult {
        var partial: [UInt8] = rejected == 0 ? [] : [0x08, rejected]
        if !message.isEmpty { partial += [0x12, UInt8(message.utf8.count)] + Array(message.utf8) }
        return status(200, body: [0x0A, UInt8(partial.count)] + partial)
    }
}
