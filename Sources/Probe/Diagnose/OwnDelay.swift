// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// Measures how late this process wakes up: on a busy machine, events that came apart are read together, and that is
/// nobody's fault on the path.
struct OwnDelay: Sendable {
    private static let period: Int64 = 10_000_000

    /// Runs until its task is cancelled.
    /// - Returns: the 95th percentile of the lateness, in nanoseconds.
    static func measure() async -> Int64 {
        var delays: [Double] = []
        while !Task.isCancelled {
            let start = Clock.monotonic()
            do {
                try await Task.sleep(for: .nanoseconds(period))
            } catch {
                break
            }
            delays.append(Double(max(0, Clock.monotonic() - start - period)))
        }
        return Int64(Distribution(delays)?.percentile(95) ?? 0)
    }
}
