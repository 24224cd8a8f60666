// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater probe diagnose`: what a path does to a stream, whose doing it is, and what to change.

import ArgumentParser
import Probe

struct DiagnoseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diagnose",
        abstract: "Say whether a path delivers events one by one, and if not, who holds them and what to change.",
        discussion: """
            Opens several streams in parallel: the request as given, the same with gzip offered and in the other version
            of HTTP, and one that is left and opened again with Last-Event-ID. A request other than GET is sent once.
            If the server is Headwater, its measurement channel and a quiet channel are asked for too.

            The exit status is the verdict: 0 progressive, 10 coalesced, 11 buffered, 12 broken, 13 undecided;
            69 unreachable, 76 not an event stream.

            Examples:
              headwater probe diagnose https://edge.example/events
              headwater probe diagnose --duration 70 https://edge.example/channels/news/events
              headwater probe diagnose -H 'Authorization: Bearer …' --body @request.json https://llm.example/v1/chat
            """
    )

    @Argument(help: "The URL of an event stream, or NAME=URL.")
    var url: String

    @Option(
        help: """
            Seconds to look, 2 to 86400. Default: 10; 17 behind Envoy, whose routes end streams at 15 s; up to 25 \
            until a head comes.
            """)
    var duration: Double?

    @Flag(inversion: .prefixedNo, help: "Ask Headwater for streams of its own beside the one of the URL.")
    var calibrate = true

    @Flag(
        name: .customLong("repeat"), help: "Send a request other than GET more than once, for the checks that need it.")
    var repeats = false

    @Flag(help: "Open one stream only, whatever the method.")
    var once = false

    @OptionGroup var request: ProbePathOptions
    @OptionGroup var output: ProbeOutputOptions

    mutating func validate() throws {
        guard (2...86_400).contains(duration ?? 10) else {
            throw ValidationError("--duration must be 2 to 86400 seconds")
        }
        if output.csv != nil {
            throw ValidationError("--csv is not for diagnose, which judges streams of several kinds: use probe compare")
        }
        _ = try request.path(url)
    }

    func run() async throws {
        let path = try request.path(url)
        let request = self.request
        let (duration, calibrates) = (self.duration, calibrate && !once)
        let repeats = !once && (self.repeats || path.method == .GET)
        try await ProbeSession.run(
            output,
            live: Countdown(command: "diagnose", duration: nil),
            measure: { group in
                var run = DiagnoseRun(path: path, group: group) { protocols in
                    var path = path
                    path.protocols = protocols
                    return try request.client(for: path)
                }
                run.stamp = request.stamp
                run.duration = duration ?? 10
                run.isExtensible = duration == nil
                run.calibrates = calibrates
                run.repeats = repeats
                return try await run.run(into: Recording())
            },
            result: DiagnoseResult.init
        )
    }
}
