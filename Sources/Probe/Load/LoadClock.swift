// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Synchronization
import Transport

/// The publisher's clock during a load test: on this machine it is ours, which is read anew every second because it is
/// steered; elsewhere Headwater is asked for it now and then, since clocks drift apart. Safe from any thread.
final class LoadClock: Sendable {
    private let isOurs: Bool
    private let target: HTTPTarget
    private let client: HTTPClient
    private let loop: any EventLoop
    private let state: Mutex<State>

    private struct State {
        var estimate: ClockOffset?
        var isAsking = false
    }

    /// 50 ppm, the drift of an ordinary quartz, are 1 ms in this time.
    private static let interval: Int64 = 20_000_000_000

    init(_ target: HTTPTarget, client: HTTPClient, on loop: any EventLoop) async {
        self.target = target
        self.client = client
        self.loop = loop
        isOurs = target.host == "localhost" || target.host.hasPrefix("127.") || target.host == "::1"
        let estimate = isOurs ? nil : await ClockEstimator(client: client, target: target, on: loop).estimate()
        state = Mutex(State(estimate: estimate))
    }

    var isKnown: Bool { isOurs || state.withLock { $0.estimate != nil } }

    /// In nanoseconds; nil if the clock is unknown.
    var error: Int64? { isOurs ? 0 : state.withLock { $0.estimate?.error } }

    /// The publisher's Unix time less our monotonic time. Where the last estimate is old, another is begun.
    func offset(at time: Int64) -> Int64? {
        if isOurs { return Clock.unix() - Clock.monotonic() }
        let (offset, asks) = state.withLock { state -> (Int64?, Bool) in
            guard let estimate = state.estimate else { return (nil, false) }
            let asks = !state.isAsking && time - estimate.time > Self.interval
            if asks { state.isAsking = true }
            return (estimate.offset, asks)
        }
        if asks { Task { await renew(at: time) } }
        return offset
    }

    private func renew(at time: Int64) async {
        let newer = await ClockEstimator(client: client, target: target, on: loop).estimate()
        state.withLock { state in
            state.isAsking = false
            // Not asked again at once if it did not answer.
            if let newer { state.estimate = newer } else { state.estimate?.time = time }
        }
    }
}
