// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Shows a measurement while it runs, on standard error: a table that is redrawn in place on a terminal, a line from
// time to time elsewhere. Nothing of it is left when the report is printed.

import FoundationEssentials
import Probe
import Synchronization
import Transport

struct LiveView: Sendable {
    private var figures: any LiveFigures
    private let style: TextStyle
    /// Five times a second is as fast as figures can be read.
    private static let interval = Duration.milliseconds(200)
    /// Lines of a log: each second at first, then every five.
    private static let denseSeconds: Int64 = 10
    private static let sparseSeconds: Int64 = 5

    init(_ figures: any LiveFigures, hasColour: Bool) {
        self.figures = figures
        style = TextStyle(hasColour: hasColour)
    }

    /// Runs until its task is cancelled.
    mutating func run() async {
        if Terminal.isCapable { await redraw() } else { await log() }
    }

    private mutating func redraw() async {
        var screen = LiveScreen()
        Terminal.hideCursor()
        defer {
            StandardError.write(screen.erasing(width: Terminal.size.columns))
            Terminal.showCursor()
        }
        while !Task.isCancelled {
            figures.update(now: Clock.monotonic())
            let size = Terminal.size
            // The last column stays free: some terminals wrap when it is written.
            let lines = figures.lines(width: max(1, size.columns - 1), style: style)
            StandardError.write(screen.drawing(lines, columns: size.columns, rows: size.rows))
            try? await Task.sleep(for: Self.interval)
        }
    }

    private mutating func log() async {
        let start = Clock.monotonic()
        var seconds: Int64 = 0
        figures.update(now: start)
        while true {
            seconds += seconds < Self.denseSeconds ? 1 : Self.sparseSeconds
            do {
                try await Task.sleep(for: .nanoseconds(max(0, start + seconds * 1_000_000_000 - Clock.monotonic())))
            } catch {
                return
            }
            figures.update(now: Clock.monotonic())
            StandardError.write(figures.line + "\n")
        }
    }
}
