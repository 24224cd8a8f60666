// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// What a canary saw over its life, for the end of it; while it runs its metrics say more.
public struct WatchResult: ProbeResult {
    public static let command = "watch"

    public struct Path: Encodable, Sendable {
        public internal(set) var name = ""
        public internal(set) var url = ""
        public internal(set) var streams = 0
        public internal(set) var failures = 0
        public internal(set) var events = 0
        public internal(set) var heartbeats = 0
        public internal(set) var lost = 0
        public internal(set) var duplicated = 0
        public internal(set) var reordered = 0
        public internal(set) var meanLagMs: Double?
        public internal(set) var maxLagMs: Double?
        public internal(set) var lastFailure: String?
        private var lags = 0

        private enum CodingKeys: CodingKey {
            case name, url, streams, failures, events, heartbeats, lost, duplicated, reordered, meanLagMs, maxLagMs
            case lastFailure
        }

        init(name: String = "", url: String = "") {
            self.name = name
            self.url = url
        }

        mutating func note(lag: Int64) {
            lags += 1
            let mean = meanLagMs ?? 0
            meanLagMs = mean + (lag.milliseconds - mean) / Double(lags)
            maxLagMs = max(maxLagMs ?? lag.milliseconds, lag.milliseconds)
        }

        mutating func note(_ step: OrderTracker.Step) {
            lost += step.lost
            duplicated += step.duplicated
            reordered += step.reordered
        }

        mutating func note(_ record: StreamRecord) {
            streams += 1
            events += record.events
            heartbeats += record.comments
            guard record.isFailure, let ending = record.ending else { return }
            failures += 1
            lastFailure = "\(ending)"
        }
    }

    public let paths: [Path]

    public init(paths: [Path]) {
        self.paths = paths
    }

    public var measures: [Measure] {
        paths.flatMap { path in
            [
                Measure("events", path: path.name, Double(path.events), .count),
                Measure("failures", path: path.name, Double(path.failures), .count),
                Measure("lost", path: path.name, Double(path.lost), .count),
                Measure("duplicated", path: path.name, Double(path.duplicated), .count),
                Measure("reordered", path: path.name, Double(path.reordered), .count),
            ]
                + [
                    path.meanLagMs.map { Measure("mean", path: path.name, $0, .milliseconds) },
                    path.maxLagMs.map { Measure("max", path: path.name, $0, .milliseconds) },
                ].compactMap(\.self)
        }
    }

    public var findings: [Finding] {
        paths.compactMap { path in
            path.lastFailure.map {
                Finding(
                    .problem, path: path.name, "\(path.failures) of \(path.streams) streams failed, the last: \($0)")
            }
        }
    }

    /// A canary that ran has done its work; what it saw is in the report, and `--fail-if` judges it.
    public var exit: ProbeExit { .success }

    public func text(_ style: TextStyle) -> [String] {
        TextStyle.table(
            [["path", "streams", "failed", "events", "lost", "dup", "reordered", "mean lag", "max lag"]]
                + paths.map { path in
                    [
                        path.name, "\(path.streams)", "\(path.failures)", "\(path.events)", "\(path.lost)",
                        "\(path.duplicated)", "\(path.reordered)", TextStyle.milliseconds(path.meanLagMs),
                        TextStyle.milliseconds(path.maxLagMs),
                    ]
                })
    }
}
