// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What is counted off the event loops: verdicts over ended streams, reports of receivers, scrapes. All of it is rare
// next to deliveries, so one lock does.

import Synchronization
import Telemetry
import Transport

/// Safe from any thread.
final class ProcessCounts: Sendable {
    let layout: MetricLayout
    let problems: [MetricProblem]
    private let cells: Mutex<MetricCells>
    private let streamsClosed: [CloseReason: PerProtocol<CounterID>]
    private let streamDuration: HistogramID
    private let idleCloses: [SuspectedTimeout: CounterID]
    private let swallowedHeartbeatCloses: [SuspectedTimeout: CounterID]
    private let beaconsRejected: [MetricLabel.BeaconRejection: CounterID]
    private let scrapeDuration: HistogramID

    init() {
        var builder = MetricLayout.Builder()
        var closed: [CloseReason: PerProtocol<CounterID>] = [:]
        for reason in CloseReason.allCases {
            closed[reason] = PerProtocol {
                builder.counter(MetricCatalogue.streamsClosed, reason.rawValue, $0.rawValue)
            }
        }
        self.streamsClosed = closed
        self.streamDuration = builder.histogram(MetricCatalogue.streamDuration)
        self.idleCloses = builder.counters(MetricCatalogue.idleCloses)
        self.swallowedHeartbeatCloses = builder.counters(MetricCatalogue.swallowedHeartbeatCloses)
        self.beaconsRejected = builder.counters(MetricCatalogue.beaconsRejected)
        self.scrapeDuration = builder.histogram(MetricCatalogue.scrapeDuration)
        self.problems = builder.problems
        self.layout = builder.finish()
        self.cells = Mutex(MetricCells(self.layout))
    }

    func snapshot() -> MetricSnapshot { self.cells.withLock { $0.snapshot() } }

    func streamClosed(_ verdict: Verdict, over protocol: ApplicationProtocol, age: Int64) {
        self.cells.withLock { cells in
            if let counter = self.streamsClosed[verdict.reason]?[`protocol`] { cells.add(to: counter) }
            cells.observe(age, in: self.streamDuration)
            guard verdict.reason == .idleTimeout else { return }
            let timeout = verdict.suspectedTimeoutSeconds.map { SuspectedTimeout(seconds: $0) } ?? .other
            if let counter = self.idleCloses[timeout] { cells.add(to: counter) }
            guard verdict.heartbeatsSwallowed, let counter = self.swallowedHeartbeatCloses[timeout] else { return }
            cells.add(to: counter)
        }
    }

    func beaconRejected(_ reason: MetricLabel.BeaconRejection) {
        guard let counter = self.beaconsRejected[reason] else { return }
        self.cells.withLock { $0.add(to: counter) }
    }

    func scraped(nanoseconds: Int64) { self.cells.withLock { $0.observe(nanoseconds, in: self.scrapeDuration) } }
}
