// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater probe watch`: a canary that runs for ever.

import ArgumentParser
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import Probe
import Telemetry
import Transport

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "A canary: holds streams for ever, with metrics, spans joined to the origin's traces, and beacons.",
        discussion: """
            Serves /metrics and /healthz. Spans are exported when OTEL_EXPORTER_OTLP_ENDPOINT is set; the origin's spans
            of the same stream are in the same trace. Ends with SIGINT or SIGTERM, or after --duration, and prints what
            it saw.

            Examples:
              headwater probe watch edge=https://edge.example/events?interval=1000
              OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 headwater probe watch --listen 127.0.0.1:9465 \
                direct=http://127.0.0.1:8080/events edge=https://edge.example/events
            """
    )

    @Argument(help: "The paths: one to 64 URLs of event streams, or NAME=URL.")
    var urls: [String]

    @Option(help: ArgumentHelp("Where /metrics is served; port 0 picks one.", valueName: "host:port"))
    var listen = "127.0.0.1:9465"

    @Option(help: "Seconds that a stream is held before the next is opened, 1 to 86400.")
    var session = 300.0

    @Option(help: "Seconds between beacons, 1 to 3600.")
    var beaconInterval = 10.0

    @Flag(help: "Do not report lags to the origin.")
    var noBeacons = false

    @Option(help: "Seconds after which to end; for ever without.")
    var duration: Double?

    @Flag(help: "Print each span as a line on standard error.")
    var traceLog = false

    @OptionGroup var request: ProbePathOptions
    @OptionGroup var output: ProbeOutputOptions

    mutating func validate() throws {
        guard (1...64).contains(urls.count) else { throw ValidationError("give one to 64 URLs") }
        guard (1...86_400).contains(session) else { throw ValidationError("--session must be 1 to 86400 seconds") }
        guard (1...3_600).contains(beaconInterval) else {
            throw ValidationError("--beacon-interval must be 1 to 3600 seconds")
        }
        if output.csv != nil { throw ValidationError("--csv is not for watch, which keeps no events: scrape /metrics") }
        if let duration, !(0.1...31_536_000).contains(duration) {
            throw ValidationError("--duration must be 0.1 to 31536000 seconds")
        }
        _ = try address()
        _ = try request.paths(urls)
    }

    private func address() throws -> (host: String, port: Int) {
        // The authority of a URL has the same form, but for port 0 and with the port optional.
        let parts = listen.split(separator: ":", omittingEmptySubsequences: false)
        let port = parts.last.flatMap { Int($0) } ?? -1
        guard parts.count > 1, (0...65_535).contains(port),
            let target = try? HTTPTarget("http://\(parts.dropLast().joined(separator: ":"))")
        else { throw ValidationError("--listen \"\(listen)\" is no HOST:PORT, such as 127.0.0.1:9465") }
        return (target.host, port)
    }

    func run() async throws {
        DescriptorLimit.raise()
        let logs = LogSink()
        var logging = ServeConfiguration()
        logging.logLevel = output.quiet ? .error : .info
        let logger = logs.logger(configuration: logging)
        let lanes = try request.paths(urls).map { path in
            Measurement.Lane(path: path, client: try request.client(for: path))
        }
        let command = self
        try await ProbeSession.run(
            output,
            measure: { group in try await command.watch(lanes, group: group, logger: logger) },
            result: { WatchResult(paths: $0) }
        )
        logs.flush()
    }

    private func watch(
        _ lanes: [Measurement.Lane],
        group: MultiThreadedEventLoopGroup,
        logger: Logger
    ) async throws -> [WatchResult.Path] {
        let loop = group.next()
        let telemetry = try TelemetrySetup(
            name: "headwater-probe", logsSpans: traceLog, budgetRate: 2_000,
            environment: ProcessInfo.processInfo.environment, eventLoop: loop, logger: logger)
        let metrics = try WatchMetrics(telemetry.origin.dynamic, paths: lanes.map(\.path.name))
        let (host, port) = try address()
        let listener: Listener
        do {
            listener = try await WatchListener.listen(
                host: host, port: port, registry: telemetry.origin.registry, on: loop, logger: logger)
        } catch {
            StandardError.write("headwater: cannot listen on \(listen): \(error); choose another with --listen\n")
            throw ExitCode(StartError.exitCode)
        }
        logger.info("watching", metadata: ["metrics": "http://\(host):\(listener.address.port ?? port)/metrics"])
        let canaries = lanes.map { lane in
            var canary = Canary(
                lane: lane, metrics: metrics, tracer: telemetry.origin.tracer, on: loop, logger: logger)
            canary.stamp = request.stamp
            canary.session = .seconds(session)
            canary.beaconInterval = .seconds(beaconInterval)
            canary.sendsBeacons = !noBeacons
            return canary
        }
        let exporting = Task { await telemetry.processor.run() }
        await withTaskGroup(of: Void.self) { tasks in
            for canary in canaries { tasks.addTask { await canary.run() } }
            if let duration {
                tasks.addTask { try? await Task.sleep(for: .seconds(duration)) }
                await tasks.next()
                tasks.cancelAll()
            }
        }
        await listener.close()
        await telemetry.processor.shutDown(within: .seconds(5))
        await exporting.value
        return canaries.map(\.total)
    }
}
