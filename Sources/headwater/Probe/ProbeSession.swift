// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One run of a probe's command: the first SIGINT or SIGTERM ends the measurement and the report is still printed, the
// second ends the process.

import ArgumentParser
import FoundationEssentials
import NIOPosix
import Probe
import Transport
import UnixSignals

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct ProbeSession {
    let output: ProbeOutputOptions
    let group: MultiThreadedEventLoopGroup

    /// What shells report for a process that SIGINT ended: 128 + 2.
    private static let interruptedTwice: Int32 = 130

    private struct Measured<Outcome: Sendable>: Sendable {
        let outcome: Outcome
        let wasInterrupted: Bool
    }

    /// Measures, reports, and ends with the report's exit status.
    /// - Parameters:
    ///   - live: what is shown meanwhile, unless --quiet; nil shows nothing.
    ///   - measure: ends early, with what it has, when its task is cancelled.
    ///   - result: what the command makes of it.
    ///   - samples: what goes into the CSV.
    static func run<Outcome: Sendable, Result: ProbeResult>(
        _ output: ProbeOutputOptions,
        loops: Int = 1,
        live: (any LiveFigures)? = nil,
        measure: @Sendable @escaping (MultiThreadedEventLoopGroup) async throws -> Outcome,
        samples: (Outcome) -> Samples? = { _ in nil },
        result: (Outcome) -> Result
    ) async throws {
        let session = ProbeSession(output: output, group: MultiThreadedEventLoopGroup(numberOfThreads: loops))
        let started = (unix: Clock.unix(), monotonic: Clock.monotonic())
        let showing = session.showing(live)
        let measured: Measured<Outcome>
        do {
            measured = try await session.interruptible { try await measure(session.group) }
            await showing?.end()
        } catch {
            await showing?.end()
            throw error
        }
        let found = samples(measured.outcome)
        let report = Report(
            version: HeadwaterCommand.version,
            started: ReportJSON.timestamp(unixNanoseconds: started.unix),
            duration: (Clock.monotonic() - started.monotonic).seconds,
            interrupted: measured.wasInterrupted,
            samplesDropped: found?.dropped ?? 0,
            result: result(measured.outcome),
            thresholds: output.failIf)
        session.show(report)
        if let found { try session.writeSamples(found) }
        try session.writePage(report, samples: found?.series ?? [])
        try? await session.group.shutdownGracefully()
        if report.exit != .success { throw ExitCode(report.exit.rawValue) }
    }

    /// What a table of samples needs.
    struct Samples {
        var samples: [EventSample]
        var names: [String]
        var clocks: [ClockTrack]
        var dropped: Int
        /// Monotonic nanoseconds of the first stream's start.
        var start: Int64

        init(_ outcome: Measurement.Outcome) {
            samples = outcome.snapshot.samples
            names = outcome.paths.map(\.name)
            clocks = outcome.clocks
            dropped = outcome.snapshot.dropped
            start = outcome.snapshot.streams.map(\.started).min() ?? 0
        }

        /// What a page draws of them.
        var series: [SampleSeries] {
            let byPath = Dictionary(grouping: samples, by: \.path)
            return zip(names, clocks).enumerated().map { index, path in
                SampleSeries(name: path.0, samples: byPath[index] ?? [], clock: path.1, start: start)
            }
        }
    }

    /// A live view that is on, and how to end it: what it has drawn is gone when `end` returns.
    private struct Showing {
        let task: Task<Void, Never>

        func end() async {
            task.cancel()
            await task.value
        }
    }

    private func showing(_ figures: (any LiveFigures)?) -> Showing? {
        guard let figures, !output.quiet else { return nil }
        var view = LiveView(figures, hasColour: Self.wantsColour)
        return Showing(task: Task { await view.run() })
    }

    private func interruptible<Outcome: Sendable>(
        _ measure: @Sendable @escaping () async throws -> Outcome
    ) async throws -> Measured<Outcome> {
        let measuring = Task { try await measure() }
        let signals = Task {
            var isFirst = true
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                if !isFirst {
                    Terminal.showCursor()
                    exit(Self.interruptedTwice)
                }
                isFirst = false
                measuring.cancel()
            }
            return !isFirst
        }
        let outcome = try await measuring.value
        let wasInterrupted = measuring.isCancelled
        signals.cancel()
        return Measured(outcome: outcome, wasInterrupted: wasInterrupted)
    }

    private func show(_ report: Report<some ProbeResult>) {
        if output.json {
            StandardOutput.write(ReportJSON.encode(report) + "\n")
            for verdict in report.thresholds where !verdict.passed { StandardError.write(verdict.message + "\n") }
        } else {
            let style = TextStyle(hasColour: StandardOutput.isTerminal && Self.wantsColour)
            StandardOutput.write(report.text(style).joined(separator: "\n") + "\n")
        }
    }

    /// https://no-color.org: set and not empty means no.
    private static var wantsColour: Bool {
        (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    }

    private func writeSamples(_ found: Samples) throws {
        try write("--csv", to: output.csv) { write in
            try SampleTable.write(found.samples, names: found.names, clocks: found.clocks, to: write)
        }
    }

    private func writePage(_ report: Report<some ProbeResult>, samples: @autoclosure () -> [SampleSeries]) throws {
        try write("--html", to: output.html) { write in try write(ReportPage.html(report, samples: samples())) }
    }

    private func write(_ option: String, to file: String?, _ body: ((String) throws -> Void) throws -> Void) throws {
        guard let file else { return }
        do {
            try TextFile.write(to: file, body)
        } catch {
            StandardError.write("headwater: \(option) \(file): \(error)\n")
            throw ExitCode(ProbeExit.usage.rawValue)
        }
    }
}
