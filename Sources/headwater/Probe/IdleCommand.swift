// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater probe idle`: the timers of a path.

import ArgumentParser
import Probe

struct IdleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Find a path's idle timeout and maximum lifetime, and the heartbeat to set.",
        discussion: """
            Holds some thirty streams at once: silent ones, and ones with bytes at
            intervals from a quarter of a second to the length of the run. A Headwater
            origin makes them to order; of any other server the named stream is held as
            it is, and the report says what its own cadence can show. Ends early when
            both timers are known.

            Examples:
              headwater probe idle https://edge.example/events
              headwater probe idle --up-to 700 --protocol h2 https://edge.example/events
              headwater probe idle --up-to 90 --fail-if 'idle_timeout<60' https://edge.example/events
            """
    )

    @Argument(help: "The path: URL or NAME=URL of an event stream.")
    var url: String

    @Option(help: "Seconds to measure at most, 5 to 7200: timers up to nearly this long are found.")
    var upTo = 360.0

    @Flag(help: "Hold the named stream and no other, also if a Headwater origin serves it.")
    var asIs = false

    @OptionGroup var request: ProbePathOptions
    @OptionGroup var output: ProbeOutputOptions

    mutating func validate() throws {
        guard IdlePlan.bounds.contains(upTo) else { throw ValidationError("--up-to must be 5 to 7200 seconds") }
        if output.csv != nil { throw ValidationError("--csv: probe idle keeps no events; leave it out") }
        _ = try request.path(url)
    }

    func run() async throws {
        let path = try request.path(url)
        let client = try request.client(for: path)
        let (upTo, asIs) = (upTo, asIs)
        let watch = IdleWatch()
        try await ProbeSession.run(
            output,
            live: IdleFigures(watch, upTo: upTo),
            measure: { group in
                var probe = IdleProbe(path: path, client: client, group: group, upTo: upTo)
                probe.holdsAsIs = asIs
                return await probe.run(watch: watch)
            },
            result: IdleResult.init
        )
    }
}
