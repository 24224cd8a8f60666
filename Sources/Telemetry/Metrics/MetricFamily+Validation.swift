// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The rules for names, as Prometheus and OpenMetrics 1.0 have them.
/// https://prometheus.io/docs/practices/naming/
/// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
///
/// What `promtool check metrics` finds beyond them (abbreviated units, camel case) is left to it.
extension MetricFamily {
    /// What is wrong with this family; none, if it may be exposed.
    public var problems: [MetricProblem] {
        var reasons: [MetricProblem.Reason] = []
        if !Self.isName(name) || nameInOpenMetrics.isEmpty { reasons.append(.invalidName) }
        if kind == .counter && !name.hasSuffix("_total") { reasons.append(.counterWithoutTotal) }
        if let suffix = Self.reservedSuffixes(for: kind).first(where: name.hasSuffix) {
            reasons.append(.reservedSuffix(suffix))
        }
        if help.isEmpty { reasons.append(.noHelp) }
        if let unit, !Self.isName(unit) || !nameInOpenMetrics.hasSuffix("_" + unit) {
            reasons.append(.unitIsNotSuffix(unit))
        }
        for (index, label) in labelNames.enumerated() {
            if !Self.isName(label) { reasons.append(.invalidLabel(label)) }
            if label == "le" || label == "quantile" { reasons.append(.reservedLabel(label)) }
            if labelNames[..<index].contains(label) { reasons.append(.duplicateLabel(label)) }
        }
        if case .histogram(let bounds) = kind {
            if !bounds.areUsable { reasons.append(.unusableBounds) }
            if bounds.scale == .nanoseconds && unit != "seconds" { reasons.append(.durationNotInSeconds) }
        } else if hasExemplars {
            reasons.append(.exemplarsWithoutHistogram)
        }
        return reasons.map { MetricProblem(metric: name, reason: $0) }
    }

    /// The family's name in OpenMetrics, where `_total` belongs to a counter's sample and not to its name.
    public var nameInOpenMetrics: String {
        kind == .counter && name.hasSuffix("_total") && !isUntypedInOpenMetrics
            ? String(name.dropLast("_total".count)) : name
    }

    /// Every name that this family and its samples take in either format. No two families may share one: a histogram
    /// `requests` next to a counter `requests_total` is fine in the old format and two families `requests` in
    /// OpenMetrics.
    var claimedNames: [String] {
        let base = nameInOpenMetrics
        return switch kind {
        case .counter where isUntypedInOpenMetrics: [name]
        case .counter: [base, base + "_total", base + "_created"]
        case .gauge: [base]
        case .histogram: [base, base + "_bucket", base + "_sum", base + "_count", base + "_created"]
        }
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`. Colons are for recording rules, two leading underscores for Prometheus itself.
    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !first.isDigit, !name.hasPrefix("__") else { return false }
        return name.utf8.allSatisfy { $0.isNameCharacter }
    }

    private static func reservedSuffixes(for kind: Kind) -> [String] {
        switch kind {
        case .counter: []
        case .gauge: ["_total", "_count", "_sum", "_bucket", "_created"]
        case .histogram: ["_total", "_count", "_sum", "_bucket", "_created", "_info"]
        }
    }
}

/// A mistake in a catalogue of metrics.
public struct MetricProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case invalidName
        case counterWithoutTotal
        case reservedSuffix(String)
        case noHelp
        case unitIsNotSuffix(String)
        case invalidLabel(String)
        case reservedLabel(String)
        case duplicateLabel(String)
        case unusableBounds
        case durationNotInSeconds
        case exemplarsWithoutHistogram
        /// The name, or one that its samples take, is another family's; see ``MetricFamily/nameInOpenMetrics``.
        case nameIsTaken(by: String)
        /// A series was asked for with the verb of another kind.
        case wrongKind(expected: String)
        case wrongNumberOfLabels(expected: Int, actual: Int)
        /// ``DynamicMetrics/Limits/families`` is reached.
        case tooManyFamilies(limit: Int)
    }

    public let metric: String
    public let reason: Reason

    public init(metric: String, reason: Reason) {
        self.metric = metric
        self.reason = reason
    }

    public var description: String {
        let text =
            switch reason {
            case .invalidName:
                "a name consists of letters, digits and underscores and does not begin with a digit or __"
            case .counterWithoutTotal: "a counter's name ends in _total"
            case .reservedSuffix(let suffix): "the suffix \(suffix) belongs to the samples of another kind"
            case .noHelp: "there is no help text"
            case .unitIsNotSuffix(let unit): "the name does not end in its unit \(unit)"
            case .invalidLabel(let label): "the label name \"\(label)\" is not valid"
            case .reservedLabel(let label): "the label name \(label) is reserved"
            case .duplicateLabel(let label): "the label \(label) is there twice"
            case .unusableBounds: "bounds are finite, not negative, strictly increasing, one at least and 200 at most"
            case .durationNotInSeconds: "a histogram of nanoseconds is exposed in the unit seconds"
            case .exemplarsWithoutHistogram: "only histograms keep exemplars"
            case .nameIsTaken(let other): "a name of it is taken by \(other)"
            case .wrongKind(let expected): "it is no \(expected)"
            case .wrongNumberOfLabels(let expected, let actual): "it has \(expected) labels and not \(actual)"
            case .tooManyFamilies(let limit): "there are \(limit) families already"
            }
        return "\(metric): \(text)"
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// A letter, digit or underscore of ASCII.
    var isNameCharacter: Bool {
        let lower = self | 0x20
        return isDigit || self == UInt8(ascii: "_") || (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z"))
    }
}
