// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater probe load`: many streams, and what becomes of them. Turns options into a plan.

import ArgumentParser
import Probe
import Transport

struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Open many streams on a schedule, drop and reopen them, and count what arrives.",
        discussion: """
            Openings happen when they are due, however late the server answers, and their latency counts from then.
            Losses are counted by the "seq" in the events' JSON or the number at the end of their ids, delivery latency
            by their "ts". A line each second goes to standard error.

            Examples:
              headwater probe load http://127.0.0.1:8080/events --streams 1000 --duration 30
              headwater probe load http://127.0.0.1:8080/events --protocol h2 --streams 20000 \
                --streams-per-connection 5000 --ramp 10 --churn 200
              headwater probe load https://edge.example/events --streams 2000 --storm 30 --duration 120 \
                --fail-if 'p99>250ms' --fail-if 'lost>0'
              headwater probe load http://127.0.0.1:8080/events --streams 500 --slow 50 --half-dead 20 --json
            """
    )

    @Argument(help: "The URL of an event stream.")
    var url: String

    @Option(help: "Streams that read all they get.")
    var streams = 100

    @Option(help: "Seconds to open them in, evenly.")
    var ramp = 1.0

    @Option(help: "Seconds after that in which nothing is measured yet.")
    var settle = 0.0

    @Option(help: "Seconds to go on when all are open.")
    var duration = 10.0

    @Option(help: ArgumentHelp("So many streams a second leave and are opened anew.", valueName: "rate"))
    var churn = 0.0

    @Option(help: ArgumentHelp("Every so many seconds drop all streams and open them at once.", valueName: "seconds"))
    var storm: Double?

    @Option(help: "Further streams that read slowly.")
    var slow = 0

    @Option(help: ArgumentHelp("Bytes a second that a slow stream reads; 0 for none.", valueName: "bytes"))
    var slowRate = 0

    @Option(help: "Further streams whose client vanishes without FIN once they are open. Linux only.")
    var halfDead = 0

    @Option(help: "HTTP/2: streams on one connection.")
    var streamsPerConnection = 1_000

    @Option(help: "Threads. One is enough for tens of thousands of streams.")
    var loops = 1

    @Option(help: ArgumentHelp("Seconds until a stream that ended comes back.", valueName: "seconds"))
    var reconnectAfter = 1.0

    @Flag(help: "Streams that end stay away.")
    var noReconnect = false

    @OptionGroup var request: ProbePathOptions
    @OptionGroup var output: ProbeOutputOptions

    mutating func validate() throws {
        guard (1...1_000_000).contains(streams) else { throw ValidationError("--streams must be 1 to 1000000") }
        guard (0...100_000).contains(slow) else { throw ValidationError("--slow must be 0 to 100000") }
        guard (0...1_000_000_000).contains(slowRate) else { throw ValidationError("--slow-rate must be 0 to 10^9") }
        guard (0...100_000).contains(halfDead) else { throw ValidationError("--half-dead must be 0 to 100000") }
        guard (0...86_400).contains(ramp) else { throw ValidationError("--ramp must be 0 to 86400 seconds") }
        guard (0...86_400).contains(settle) else { throw ValidationError("--settle must be 0 to 86400 seconds") }
        guard (1...86_400).contains(duration) else { throw ValidationError("--duration must be 1 to 86400 seconds") }
        guard (0...100_000).contains(churn) else { throw ValidationError("--churn must be 0 to 100000 a second") }
        guard storm.map({ (0.1...86_400).contains($0) }) ?? true else {
            throw ValidationError("--storm must be 0.1 to 86400 seconds")
        }
        guard (1...1_000_000).contains(streamsPerConnection) else {
            throw ValidationError("--streams-per-connection must be 1 to 1000000")
        }
        guard (1...64).contains(loops) else { throw ValidationError("--loops must be 1 to 64") }
        guard (0...3_600).contains(reconnectAfter) else {
            throw ValidationError("--reconnect-after must be 0 to 3600 seconds")
        }
        if request.gzip { throw ValidationError("--gzip is not for load: bodies are read as they are") }
        if output.csv != nil { throw ValidationError("--csv is not for load, which keeps no samples: use --json") }
        if request.stamp != PublishStamp() {
            throw ValidationError(
                "--time-field and --sequence-field are not for load, which looks for \"ts\" and \"seq\"")
        }
        _ = try request.path(url)
    }

    func run() async throws {
        let path = try request.path(url)
        var plan = LoadPlan(path: path)
        plan.client = try request.client(for: path).configuration
        plan.streams = streams
        plan.slow = slow
        plan.slowRate = slowRate
        plan.halfDead = halfDead
        plan.ramp = .seconds(ramp)
        plan.settle = .seconds(settle)
        plan.hold = .seconds(duration)
        plan.churn = churn
        plan.storm = storm.map { .seconds($0) }
        plan.reconnect = noReconnect ? nil : .seconds(reconnectAfter)
        plan.streamsPerConnection = streamsPerConnection
        plan.loops = loops
        try DescriptorLimit.raise(for: plan)
        let (run, isQuiet) = (LoadRun(plan), output.quiet)
        try await ProbeSession.run(
            output,
            loops: loops,
            measure: { group in
                await run.run(on: group) { second in
                    if !isQuiet { StandardError.write(second.line + "\n") }
                }
            },
            result: LoadResult.init
        )
    }
}
