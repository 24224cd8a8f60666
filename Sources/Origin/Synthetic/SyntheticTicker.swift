// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Publishes a measurement channel's events on its home loop for as long as there are streams.

import NIOCore
import Transport

/// Runs one channel's schedule. Belongs to the channel's home loop.
final class SyntheticTicker {
    private let parameters: SyntheticParameters
    private let loop: any EventLoop
    /// Appends the event that is due now.
    private let publish: () -> UInt64?
    private var isStopped = false
    private var next: Int64
    private var timer: Scheduled<Void>?

    /// After a stall longer than this, the schedule starts anew from now instead of making up for it.
    private static let longestCatchUp: Int64 = 1_000_000_000

    /// - Parameter publish: publishes one event and returns the sequence number of the one after it; `nil` when the
    ///   channel is gone, which ends the schedule.
    init(parameters: SyntheticParameters, nextSequence: UInt64, loop: any EventLoop, publish: @escaping () -> UInt64?) {
        self.parameters = parameters
        self.loop = loop
        self.publish = publish
        self.next = Clock.monotonic() + SyntheticSchedule.gap(before: nextSequence, parameters: parameters)
        self.schedule()
    }

    func stop() {
        self.isStopped = true
        self.timer?.cancel()
    }

    private func schedule() {
        guard !self.isStopped else { return }
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        let delay = max(0, self.next - Clock.monotonic())
        self.timer = self.loop.scheduleTask(in: .nanoseconds(delay)) { bound.value.tick() }
    }

    private func tick() {
        let now = Clock.monotonic()
        if now - self.next > Self.longestCatchUp { self.next = now }
        while self.next <= now {
            guard !self.isStopped, let sequence = self.publish() else { return self.stop() }
            self.next += SyntheticSchedule.gap(before: sequence, parameters: self.parameters)
        }
        self.schedule()
    }
}
