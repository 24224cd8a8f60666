// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// A condition under which the probe fails: `p99>50ms`, `edge.lost>0`, `mux_ratio<2`.
public struct Threshold: Sendable, Hashable {
    enum Comparison: String, Sendable, CaseIterable {
        // Longer ones first: they are looked for in this order.
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"
        case equal = "="

        func holds(_ value: Double, _ limit: Double) -> Bool {
            switch self {
            case .atLeast: value >= limit
            case .atMost: value <= limit
            case .above: value > limit
            case .below: value < limit
            case .equal: value == limit
            }
        }
    }

    /// Why a text is no threshold.
    public struct Invalid: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    public let text: String
    let path: String?
    let name: String
    let comparison: Comparison
    let limit: Double
    let unit: Measure.Unit?

    /// - Parameter text: `[PATH.]MEASURE COMPARISON NUMBER[UNIT]`, spaces where one likes; units are us, ms, s and %.
    public init(_ text: String) throws(Invalid) {
        let compact = text.filter { $0 != " " }
        guard let comparison = Comparison.allCases.first(where: { compact.contains($0.rawValue) }),
            let range = compact.firstRange(of: comparison.rawValue)
        else { throw Invalid(description: "\"\(text)\" compares nothing: write MEASURE>NUMBER, such as p99>50ms") }
        let subject = compact[..<range.lowerBound]
        let value = compact[range.upperBound...]
        let number = value.prefix { $0.isNumber || $0 == "." || $0 == "-" }
        guard !subject.isEmpty, let limit = Double(number) else {
            throw Invalid(description: "\"\(text)\" has no measure or no number: write it like p99>50ms or lost>0")
        }
        switch value[number.endIndex...] {
        case "us", "µs": (self.limit, unit) = (limit / 1_000, .milliseconds)
        case "ms": (self.limit, unit) = (limit, .milliseconds)
        case "s": (self.limit, unit) = (limit * 1_000, .milliseconds)
        case "%": (self.limit, unit) = (limit / 100, .count)
        case "": (self.limit, unit) = (limit, nil)
        case let other: throw Invalid(description: "\"\(text)\" has the unit \(other): use us, ms, s, % or none")
        }
        self.text = text
        self.comparison = comparison
        // The last dot: names of paths may have dots, those of measures have none but p99.9.
        let parts = subject.split(separator: ".", omittingEmptySubsequences: false)
        var name = parts[parts.count - 1]
        var rest = parts.dropLast()
        if name.allSatisfy(\.isNumber), let whole = rest.last, whole.hasPrefix("p") {
            name = "\(whole).\(name)"
            rest = rest.dropLast()
        }
        self.name = String(name).lowercased()
        path = rest.isEmpty ? nil : rest.joined(separator: ".")
    }

    /// What became of a threshold.
    public struct Verdict: Encodable, Sendable, Hashable {
        public let expression: String
        public let passed: Bool
        /// The worst value that the measure has on any path; nil if there is no such measure.
        public let value: Double?
        public let path: String?
        public let message: String
    }

    /// Fails if the condition holds on any path; also if there is nothing to judge, since a check that checks nothing
    /// must not pass.
    public func judge(_ measures: [Measure]) -> Verdict {
        let candidates = measures.filter { $0.name == name && (path == nil || $0.path == path) }
        guard let first = candidates.first else {
            let known = Set(measures.map(\.name)).sorted().joined(separator: ", ")
            return Verdict(
                expression: text, passed: false, value: nil, path: path,
                message: "\(text): there is no measure \(path.map { $0 + "." } ?? "")\(name); there are \(known)")
        }
        let broken = candidates.first { comparison.holds($0.value, limit(for: $0)) }
        let judged = broken ?? first
        let shown = "\(judged.name) is \(TextStyle.number(judged.value))\(judged.unit.rawValue)"
        return Verdict(
            expression: text, passed: broken == nil, value: judged.value, path: judged.path,
            message: "\(text): \(judged.path.map { $0 + ": " } ?? "")\(shown)\(broken == nil ? "" : ", so it fails")")
    }

    /// A limit with a unit of time is kept in milliseconds; a measure may be in seconds.
    private func limit(for measure: Measure) -> Double {
        unit == .milliseconds && measure.unit == .seconds ? limit / 1_000 : limit
    }
}
