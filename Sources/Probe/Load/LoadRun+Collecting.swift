// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// While the attackers work: their figures every second, and the two clocks kept together.
extension LoadRun {
    func collect(
        _ attackers: [NIOLoopBound<LoadAttacker>],
        start: Int64,
        clock: LoadClock,
        into outcome: inout Outcome,
        progress: @Sendable (LoadSecond) -> Void
    ) async {
        let rampEnd = start + (plan.ramp + plan.settle).clampedNanoseconds
        let end = rampEnd + plan.hold.clampedNanoseconds
        var last = start
        var lastProcessor = Self.processorSeconds
        while last < end, !Task.isCancelled {
            // Two rows of ticks: the hold begins with a whole second of its own.
            let limit = last < rampEnd ? rampEnd : end
            let next = min(last + 1_000_000_000, limit)
            try? await Task.sleep(for: .nanoseconds(max(0, next - Clock.monotonic())))
            let now = Clock.monotonic()
            var figures = LoadFigures()
            let offset = clock.offset(at: now)
            for attacker in attackers {
                let taken = await Self.onLoop(attacker) { attacker in
                    attacker.clockOffset = offset
                    return attacker.takeFigures()
                }
                if let taken { figures = figures + taken }
            }
            let processor = Self.processorSeconds
            let seconds = Double(max(now - last, 1)) / 1e9
            // The last interval of the ramp ends a little after it.
            let isHolding = last >= rampEnd
            let second = LoadSecond(
                figures, before: outcome.sums.counts, at: Double(now - start) / 1e9, seconds: seconds,
                isHolding: isHolding, cpu: (processor - lastProcessor) / seconds, time: now)
            if isHolding {
                outcome.hold.seconds += seconds
                outcome.hold.events += second.events
                outcome.hold.bytes += second.bytes
                outcome.hold.cpuSeconds += processor - lastProcessor
                outcome.hold.delivery.add(figures.delivery)
            }
            outcome.sums.take(figures)
            outcome.seconds.append(second)
            progress(second)
            (last, lastProcessor) = (now, processor)
        }
    }

    static func onLoop<Value: Sendable>(
        _ attacker: NIOLoopBound<LoadAttacker>,
        _ body: @Sendable @escaping (LoadAttacker) -> Value
    ) async -> Value? {
        try? await attacker.eventLoop.submit { body(attacker.value) }.get()
    }

    /// User and system time of this process.
    private static var processorSeconds: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

extension LoadFigures {
    /// Takes in a newer interval: counts are sums since the start already, latencies are not.
    mutating func take(_ newer: LoadFigures) {
        counts = newer.counts
        (open, underWay, oldestDue) = (newer.open, newer.underWay, newer.oldestDue)
        delivery.add(newer.delivery)
        opening.add(newer.opening)
        pacing.add(newer.pacing)
    }
}
