// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater serve`: reads the settings, starts the origin, says where it listens, and drains on SIGTERM.

import ArgumentParser
import FoundationEssentials
import Logging
import NIOPosix
import Origin
import ServiceLifecycle

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the origin: streams and publishing on one port, health and live tables on another.",
        usage: "headwater serve [--SETTING VALUE ...]",
        discussion: SettingHelp.text
    )

    @Argument(parsing: .allUnrecognized, help: "Settings, as --NAME VALUE or --NAME=VALUE; listed above.")
    var settings: [String] = []

    func run() async throws {
        Heap.configure()
        let configuration = try await SettingReader.configuration(arguments: self.settings)
        let logs = LogSink()
        let logger = logs.logger(configuration: configuration)
        for name in SettingReader.strangers(in: ProcessInfo.processInfo.environment) {
            logger.warning("variable is no setting and is ignored", metadata: ["name": "\(name)"])
        }
        DescriptorLimit.prepare(for: configuration, logger: logger)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
        let telemetry = try TelemetrySetup(
            logsSpans: configuration.traceLog,
            budgetRate: configuration.eventSpanRate,
            environment: ProcessInfo.processInfo.environment,
            eventLoop: group.next(),
            logger: logger
        )
        telemetry.bootstrap()
        let service = OriginService(
            configuration: configuration, group: group, telemetry: telemetry.origin, logger: logger)
        let exporting = TelemetryService(
            processor: telemetry.processor, isExporting: telemetry.isExporting, logger: logger)
        let services = ServiceGroup(
            configuration: .init(
                // In the order of their start; the last is stopped first, and the spans of its end are still sent.
                services: [
                    .init(service: exporting),
                    .init(service: service, successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await services.run()
        } catch let error as StartError {
            logs.flush()
            StandardError.write("headwater: \(error)\n")
            throw ExitCode(StartError.exitCode)
        }
        logger.info("ended")
        logs.flush()
        try await group.shutdownGracefully()
    }
}
