// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Takes typed values out of an environment and collects what it had to ignore. Values never appear in a warning.
struct EnvironmentReader {
    enum Parsed<Value> {
        case value(Value)
        case bad(String)
    }

    private let environment: [String: String]
    private(set) var warnings: [SettingWarning] = []

    init(_ environment: [String: String]) { self.environment = environment }

    mutating func warn(_ variable: String, _ reason: String) {
        warnings.append(SettingWarning(variable: variable, reason: reason))
    }

    /// Without blanks around it; nil when unset or empty.
    func text(_ variable: String) -> String? {
        let text = environment[variable].map { String(Substring($0).trimmingBlanks()) }
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// "Any value other than `true` means false", but one that is not `false` either is worth a word.
    mutating func flag(_ variable: String) -> Bool {
        guard let text = text(variable)?.lowercased() else { return false }
        if text != "true", text != "false" { warn(variable, "it is neither true nor false, and taken as false") }
        return text == "true"
    }

    /// Comma-separated, without empty parts; nil when nothing is left.
    func list(_ variable: String) -> [String]? {
        let parts = text(variable)?.split(separator: ",").map { String($0.trimmingBlanks()) }.filter { !$0.isEmpty }
        return parts.flatMap { $0.isEmpty ? nil : $0 }
    }

    mutating func count(_ variable: String, from least: Int) -> Int? {
        guard let text = text(variable) else { return nil }
        // What is absurd is more likely a mistake than a wish, and must not overflow a sum.
        guard let value = Int(text), value >= least, value <= 1_000_000_000 else {
            warn(variable, "it is no whole number from \(least) to 1000000000")
            return nil
        }
        return value
    }

    /// A count of attributes, events or links: no span carries more than 128 of them.
    mutating func limit(_ variable: String) -> Int? {
        guard let value = count(variable, from: 0) else { return nil }
        if value > 128 {
            warn(variable, "it exceeds 128, which is taken")
            return 128
        }
        return value
    }

    mutating func milliseconds(_ variable: String, from least: Int) -> Duration? {
        count(variable, from: least).map { .milliseconds($0) }
    }

    /// - Parameter hasQuery: Whether a query may follow, which is so when nothing is appended to the path.
    mutating func url(_ variable: String, hasQuery: Bool = false) -> String? {
        guard let text = text(variable) else { return nil }
        let scheme = ["http://", "https://"].first { text.lowercased().hasPrefix($0) }
        let rest = text.dropFirst(scheme?.count ?? 0)
        guard scheme != nil, let first = rest.first, !"/:?#@".contains(first),
            rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !rest.contains("#"), hasQuery || !rest.contains("?")
        else {
            warn(variable, "it is no URL of the form http://host:port or https://host:port/path")
            return nil
        }
        return text
    }

    /// `OTEL_EXPORTER_OTLP_TRACES_{name}`, or else `OTEL_EXPORTER_OTLP_{name}`. A bad one counts as unset.
    mutating func signal<Value>(_ name: String, _ parse: (String) -> Parsed<Value>) -> Value? {
        for variable in ["OTEL_EXPORTER_OTLP_TRACES_\(name)", "OTEL_EXPORTER_OTLP_\(name)"] {
            guard let text = text(variable) else { continue }
            switch parse(text) {
            case .value(let value): return value
            case .bad(let reason): warn(variable, reason)
            }
        }
        return nil
    }

    static func positiveMilliseconds(_ text: String) -> Parsed<Duration> {
        guard let value = Int(text), (1...1_000_000_000).contains(value) else {
            return .bad("it is no whole number of milliseconds from 1 to 1000000000")
        }
        return .value(.milliseconds(value))
    }

    /// `name=value,name=value` with percent-coded values, as W3C Baggage has them.
    static func headers(_ text: String) -> Parsed<[OTLPHeader]> {
        guard let pairs = Self.pairs(text) else { return .bad("it is not of the form name=value,name=value") }
        let headers = pairs.map { OTLPHeader($0.name.lowercased(), $0.value) }
        // A line break in a value would be a field of someone else's making.
        let areSafe = headers.allSatisfy { header in
            header.name.utf8.allSatisfy(Baggage.isTokenByte)
                && header.value.utf8.allSatisfy { $0 == 0x09 || (0x20...0x7E).contains($0) || $0 >= 0x80 }
        }
        return areSafe ? .value(headers) : .bad("a name or value cannot be in an HTTP field")
    }

    /// Nil when a part has no name, no equals sign or a broken percent-code.
    static func pairs(_ text: String) -> [(name: String, value: String)]? {
        var pairs: [(name: String, value: String)] = []
        for part in text.split(separator: ",") {
            let part = part.trimmingBlanks()
            if part.isEmpty { continue }
            guard let equals = part.firstIndex(of: "="),
                let name = PercentCoding.decode(part[..<equals].trimmingBlanks()), !name.isEmpty,
                let value = PercentCoding.decode(part[part.index(after: equals)...].trimmingBlanks())
            else { return nil }
            pairs.append((name, value))
        }
        return pairs
    }
}
