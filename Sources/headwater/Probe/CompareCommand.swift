// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater probe compare`: the same events over several paths at once.

import ArgumentParser
import Probe

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Hold streams on several paths at once, match their events, and say which path is faster.",
        discussion: """
            Events are matched by id, by the publisher's number, or by content. A path is URL or NAME=URL.

            Examples:
              headwater probe compare direct=http://127.0.0.1:8080/events edge=https://edge.example/events
              headwater probe compare --duration 60 --csv samples.csv https://a.example/sse https://b.example/sse
              headwater probe compare --fail-if 'edge.p99>50ms' --fail-if 'lost>0' \
                direct=http://127.0.0.1:8080/events edge=http://127.0.0.1:8081/events
            """
    )

    @Argument(help: "The paths: one to eight URLs of event streams.")
    var urls: [String]

    @Option(help: "Seconds to measure, 1 to 86400.")
    var duration = 10.0

    @OptionGroup var request: ProbePathOptions
    @OptionGroup var output: ProbeOutputOptions

    mutating func validate() throws {
        guard (1...8).contains(urls.count) else { throw ValidationError("give one to eight URLs") }
        guard (1...86_400).contains(duration) else { throw ValidationError("--duration must be 1 to 86400 seconds") }
        _ = try request.paths(urls)
    }

    func run() async throws {
        let lanes = try request.paths(urls).map { path in
            Measurement.Lane(path: path, client: try request.client(for: path))
        }
        let (stamp, duration) = (request.stamp, Duration.seconds(duration))
        let recording = Recording()
        try await ProbeSession.run(
            output,
            // Each path on a loop of its own, so that no path waits for another's reads.
            loops: min(lanes.count, 4),
            live: RecordingFigures(
                command: "compare", paths: lanes.map(\.path), recording: recording, duration: self.duration),
            measure: { group in
                var measurement = Measurement(lanes: lanes, group: group)
                measurement.stamp = stamp
                return await measurement.run(for: duration, into: recording)
            },
            samples: ProbeSession.Samples.init,
            result: CompareResult.init
        )
    }
}
