// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What every command reports, around what its measurement found. The JSON form is this, encoded with snake case names;
/// docs/probe.md says what each field means, and the HTML report reads it.
public struct Report<Result: ProbeResult>: Encodable, Sendable {
    /// The version of this form. It rises when a field changes its meaning or goes away.
    public let schema = "headwater.probe/1"
    public let command: String
    public let version: String
    /// When the measurement began, RFC 3339 in UTC.
    public let started: String
    public let durationSeconds: Double
    /// Ended by a signal before its time.
    public let interrupted: Bool
    /// Samples that did not fit into memory and are missing from what is computed of samples.
    public let samplesDropped: Int
    public let result: Result
    public let findings: [Finding]
    public let thresholds: [Threshold.Verdict]

    public init(
        version: String,
        started: String,
        duration: Double,
        interrupted: Bool,
        samplesDropped: Int = 0,
        result: Result,
        thresholds: [Threshold]
    ) {
        command = Result.command
        self.version = version
        self.started = started
        durationSeconds = duration
        self.interrupted = interrupted
        self.samplesDropped = samplesDropped
        self.result = result
        findings = result.findings
        self.thresholds = thresholds.map { $0.judge(result.measures) }
    }

    /// What the process says with its exit status: a failed threshold, or else the result.
    public var exit: ProbeExit {
        thresholds.contains { !$0.passed } ? .thresholdFailed : result.exit
    }
}

/// What a command has found out.
public protocol ProbeResult: Encodable, Sendable {
    /// The command's name.
    static var command: String { get }
    /// What thresholds can be set on.
    var measures: [Measure] { get }
    var findings: [Finding] { get }
    var exit: ProbeExit { get }
    /// The report for people, line by line, no wider than 100 columns.
    func text(_ style: TextStyle) -> [String]
}

/// Something that a reader should know or do.
public struct Finding: Encodable, Sendable, Hashable {
    public enum Severity: String, Encodable, Sendable {
        case note, warning, problem
    }

    public let severity: Severity
    /// The path that it is about; nil for all.
    public let path: String?
    /// One sentence: what was seen.
    public let text: String
    /// What to do about it, if anything.
    public let advice: String?

    public init(_ severity: Severity, path: String? = nil, _ text: String, advice: String? = nil) {
        self.severity = severity
        self.path = path
        self.text = text
        self.advice = advice
    }
}

/// A figure that a threshold can be set on.
public struct Measure: Sendable, Hashable {
    public enum Unit: String, Encodable, Sendable {
        case milliseconds = "ms"
        case seconds = "s"
        case count = ""
        case ratio = "x"
    }

    /// `p99`, `lost`, `mux_ratio`; see docs/probe.md.
    public let name: String
    /// Nil: of the whole measurement.
    public let path: String?
    public let value: Double
    public let unit: Unit

    public init(_ name: String, path: String? = nil, _ value: Double, _ unit: Unit) {
        self.name = name
        self.path = path
        self.value = value
        self.unit = unit
    }
}

/// What the exit status of a probe says; docs/probe.md lists them.
public enum ProbeExit: Int32, Sendable, CaseIterable {
    case success = 0
    /// A `--fail-if` holds, or its measure does not exist.
    case thresholdFailed = 1
    /// Diagnoses.
    case coalesced = 10
    case buffered = 11
    case broken = 12
    case undecided = 13
    /// EX_USAGE of sysexits.h: arguments that cannot be used.
    case usage = 64
    /// EX_UNAVAILABLE: no stream could be opened on a path for want of a connection.
    case unreachable = 69
    /// EX_PROTOCOL: the server answers, but not with an event stream that can be read.
    case notAStream = 76
}
