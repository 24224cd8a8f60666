// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// The live view of a measurement whose figures mean nothing before its end: only how long it has run.
public struct Countdown: LiveFigures {
    let command: String
    /// Seconds that it takes; nil when that is not known before.
    let duration: Double?
    private var started: Int64?
    private var elapsed = 0.0

    public init(command: String, duration: Double?) {
        self.command = command
        self.duration = duration
    }

    public mutating func update(now: Int64) {
        started = started ?? now
        elapsed = (now - (started ?? now)).seconds
    }

    public func lines(width: Int, style: TextStyle) -> [String] {
        let head = Self.head(command: command, elapsed: elapsed, duration: duration)
        return [style.paint(RecordingFigures.cut(head, width), .bold)]
    }

    public var line: String { "\(TextStyle.fixed(elapsed, 0)) s" }

    static func head(command: String, elapsed: Double, duration: Double?) -> String {
        let time = duration.map { "\(TextStyle.fixed(min(elapsed, $0), 1)) of \(TextStyle.number($0)) s" }
        return "probe \(command)  \(time ?? "\(TextStyle.fixed(elapsed, 1)) s")  Ctrl-C ends and reports"
    }
}
