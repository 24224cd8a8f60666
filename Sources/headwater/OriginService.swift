// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The origin as a service of the process: start, wait for the word to end, drain; a second signal ends at once.

import Logging
import NIOCore
import NIOPosix
import Origin
import ServiceLifecycle
import Transport
import UnixSignals

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct OriginService: Service {
    let configuration: ServeConfiguration
    let group: MultiThreadedEventLoopGroup
    let telemetry: OriginTelemetry
    let logger: Logger

    func run() async throws {
        var configuration = self.configuration
        try DevelopmentCertificate.prepare(&configuration, logger: self.logger)
        let origin = try Origin(
            configuration: configuration.origin, group: self.group, telemetry: self.telemetry, logger: self.logger)
        let endpoints: Origin.Endpoints
        do {
            endpoints = try await origin.start()
        } catch let error as TLSError {
            throw StartError(error)
        } catch {
            throw StartError(configuration: self.configuration.origin, cause: error)
        }
        let announcement = ReadyAnnouncement(endpoints)
        // The file first: who has seen the line must find it.
        if let path = self.configuration.readyFile { try announcement.write(to: path) }
        announcement.print()
        self.logger.info(
            "serving",
            metadata: [
                "http": "\(announcement.http)", "admin": "\(announcement.admin)",
                "io_uring": "\(endpoints.usesIOUring)",
            ]
        )

        try? await gracefulShutdown()
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await origin.drain() }
            tasks.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { return await origin.stop() }
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }
}

/// The origin could not start, told with what to change.
struct StartError: Error, CustomStringConvertible {
    /// EX_UNAVAILABLE of sysexits.h.
    static let exitCode: Int32 = 69

    let description: String

    init(_ error: TLSError) { self.description = "TLS: \(error)" }

    init(configuration: OriginConfiguration, cause: any Error) {
        let places =
            "\(configuration.host):\(configuration.port) and \(configuration.adminHost):\(configuration.adminPort)"
        let advice =
            (cause as? IOError)?.errnoCode == EADDRINUSE
            ? "another process has one of them; stop it, or choose others with --port and --admin-port"
            : "check --host and --admin-host"
        self.description = "cannot listen on \(places): \(cause); \(advice)"
    }
}
