// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater probe h2`: many streams over HTTP/1.1 and over HTTP/2, and the sockets under them on both sides.

import ArgumentParser
import Probe

struct MultiplexingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "h2",
        abstract: "Prove HTTP/2 multiplexing: streams against sockets, here and at the origin.",
        discussion: """
            Opens the same number of streams over HTTP/1.1 on the first URL and over HTTP/2 on the second, which may be
            the same. The proof is in the response fields: one connection id with running request numbers.

            Examples:
              headwater probe h2 http://127.0.0.1:8080/events http://127.0.0.1:8080/events --streams 100
              headwater probe h2 --fail-if 'h2.origin_mux_ratio<10' \
                h1=https://edge.example/events h2=https://edge.example/events
            """
    )

    @Argument(help: "The URL for HTTP/1.1, or NAME=URL.")
    var http1: String

    @Argument(help: "The URL for HTTP/2, or NAME=URL; cleartext is h2c by prior knowledge.")
    var http2: String

    @Option(help: "Streams on each path, 1 to 20000.")
    var streams = 20

    @Option(help: "Seconds to measure, 1 to 86400.")
    var duration = 10.0

    @Option(help: "The response field with the origin's id of its connection.")
    var originConnectionField = "X-SSE-Connection"

    @Option(help: "The response field with the request's number on it.")
    var originRequestField = "X-SSE-Connection-Request"

    @OptionGroup var request: ProbePathOptions
    @OptionGroup var output: ProbeOutputOptions

    mutating func validate() throws {
        guard (1...20_000).contains(streams) else { throw ValidationError("--streams must be 1 to 20000") }
        guard (1...86_400).contains(duration) else { throw ValidationError("--duration must be 1 to 86400 seconds") }
        _ = try paths()
    }

    private func paths() throws -> [ProbePath] {
        var paths = [try request.path(http1, protocols: .http1), try request.path(http2, protocols: .http2)]
        if paths[0].name == paths[1].name {
            paths[0].name = "h1"
            paths[1].name = "h2"
        }
        return paths
    }

    func run() async throws {
        DescriptorLimit.raise()
        let lanes = try paths().map { path in
            Measurement.Lane(path: path, client: try request.client(for: path), streams: streams)
        }
        let (stamp, duration, wanted) = (request.stamp, Duration.seconds(duration), streams)
        let fields = OriginConnection.Fields(id: originConnectionField, request: originRequestField)
        let recording = Recording()
        try await ProbeSession.run(
            output,
            loops: 2,
            live: RecordingFigures(
                command: "h2", paths: lanes.map(\.path), recording: recording, duration: self.duration),
            measure: { group in
                var measurement = Measurement(lanes: lanes, group: group)
                measurement.stamp = stamp
                return await measurement.run(for: duration, into: recording)
            },
            samples: ProbeSession.Samples.init,
            result: { MultiplexingResult($0, wanted: wanted, fields: fields) }
        )
    }
}
