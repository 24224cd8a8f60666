// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The time that the tracing pipeline lives by, injected so that tests decide what it is and never sleep.
public struct TelemetryClock: Sendable {
    /// Monotonic nanoseconds: for deadlines.
    public let monotonic: @Sendable () -> Int64
    /// Nanoseconds since the Unix epoch: for spans and for `Retry-After` dates.
    public let unix: @Sendable () -> Int64
    /// Returns when the monotonic clock has reached the instant, or throws when the task is cancelled before.
    public let sleep: @Sendable (_ until: Int64) async throws -> Void

    public init(
        monotonic: @escaping @Sendable () -> Int64,
        unix: @escaping @Sendable () -> Int64,
        sleep: @escaping @Sendable (_ until: Int64) async throws -> Void
    ) {
        self.monotonic = monotonic
        self.unix = unix
        self.sleep = sleep
    }

    /// The system's clocks.
    public static let system = TelemetryClock(
        monotonic: { Self.read(CLOCK_MONOTONIC) },
        unix: { Self.read(CLOCK_REALTIME) },
        sleep: { until in
            let rest = until - Self.read(CLOCK_MONOTONIC)
            if rest > 0 { try await Task.sleep(nanoseconds: UInt64(rest)) }
        }
    )

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

/// A flag that one task waits for and any thread raises. Raising it twice before the task looks is raising it once.
final class WakeSignal: Sendable {
    private enum State {
        case lowered
        case raised
        case awaited(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex<State>(.lowered)

    func raise() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .awaited(let continuation) = state else {
                state = .raised
                return nil
            }
            state = .lowered
            return continuation
        }
        waiting?.resume()
    }

    var isRaised: Bool {
        state.withLock { state in
            if case .raised = state { true } else { false }
        }
    }

    /// Returns when the flag is raised, also by cancellation, and lowers it. For one task at a time.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRaised = state.withLock { state -> Bool in
                    if case .raised = state {
                        state = .lowered
                        return true
                    }
                    state = .awaited(continuation)
                    return false
                }
                if isRaised { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }

    /// Returns when the flag is raised or the instant has come, whichever is first; nil waits for the flag alone.
    func wait(until instant: Int64?, clock: TelemetryClock) async {
        guard let instant else { return await wait() }
        let alarm = Task {
            // An alarm that was cancelled must not raise the flag: the next wait would return at once, and cancel its
            // own alarm, and so on for ever.
            guard (try? await clock.sleep(instant)) != nil else { return }
            raise()
        }
        await wait()
        alarm.cancel()
    }
}
