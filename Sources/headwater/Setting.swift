// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One setting: its name in flags, environment and file, what it means, and how its text becomes a value.

/// A value that cannot be used, told with the key, the value and what is allowed.
struct InvalidSetting: Error, CustomStringConvertible {
    let key: String
    let value: String
    let allowed: String

    var description: String { "\(self.key) is \"\(self.value)\"; it must be \(self.allowed)" }
}

struct Setting: Sendable {
    /// The name in a YAML file; `--key` as a flag, `HEADWATER_KEY` with underscores in the environment.
    let key: String
    /// What stands for the value in the help.
    let placeholder: String
    /// The default as text; empty for none.
    let fallback: String
    let help: String
    var isSecret = false
    /// Secrets have no flag: a command line is visible to everyone on the machine.
    var hasFlag = true
    /// True or false: the flag alone says true.
    var isSwitch = false
    /// Puts the text into a configuration.
    let apply: @Sendable (_ text: String, _ configuration: inout ServeConfiguration) throws(Rejection) -> Void

    /// What a setting allows; becomes an ``InvalidSetting`` with key and value.
    struct Rejection: Error {
        let allowed: String
    }

    var flag: String { "--\(self.key)" }
    var environment: String { "HEADWATER_" + self.key.uppercased().replacing("-", with: "_") }
}

// MARK: Values

extension Setting {
    typealias Target<Value> = WritableKeyPath<ServeConfiguration, Value> & Sendable

    static func text(_ key: String, _ placeholder: String, _ target: Target<String>, _ help: String) -> Setting {
        let fallback = ServeConfiguration()[keyPath: target]
        return Setting(key: key, placeholder: placeholder, fallback: fallback, help: help) {
            text, configuration throws(Rejection) in
            guard !text.isEmpty else { throw Rejection(allowed: "not empty") }
            configuration[keyPath: target] = text
        }
    }

    /// A path or the like that need not be there.
    static func optional(_ key: String, _ placeholder: String, _ target: Target<String?>, _ help: String) -> Setting {
        Setting(key: key, placeholder: placeholder, fallback: "", help: help) { text, configuration throws(Rejection) in
            configuration[keyPath: target] = text.isEmpty ? nil : text
        }
    }

    /// Comma-separated.
    static func list(_ key: String, _ placeholder: String, _ target: Target<[String]>, _ help: String) -> Setting {
        Setting(key: key, placeholder: placeholder, fallback: "", help: help) { text, configuration throws(Rejection) in
            configuration[keyPath: target] = self.items(text)
        }
    }

    static func items(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }

    static func number(
        _ key: String,
        _ bounds: ClosedRange<Int>,
        _ target: Target<Int>,
        fallback: String? = nil,
        _ help: String
    ) -> Setting {
        let fallback = fallback ?? String(ServeConfiguration()[keyPath: target])
        return Setting(key: key, placeholder: "N", fallback: fallback, help: help) {
            text, configuration throws(Rejection) in
            guard let value = Int(text), bounds.contains(value) else {
                throw Rejection(allowed: "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
            }
            configuration[keyPath: target] = value
        }
    }

    /// Seconds, with a fraction if wanted.
    static func seconds(
        _ key: String,
        _ bounds: ClosedRange<Double>,
        orOff: Bool = false,
        _ target: Target<Double>,
        _ help: String
    ) -> Setting {
        let fallback = self.format(ServeConfiguration()[keyPath: target])
        return Setting(key: key, placeholder: "SECONDS", fallback: fallback, help: help) {
            text, configuration throws(Rejection) in
            guard let value = Double(text), bounds.contains(value) || (orOff && value == 0) else {
                let off = orOff ? ", or 0 for off" : ""
                let range = "\(self.format(bounds.lowerBound)) to \(self.format(bounds.upperBound))"
                throw Rejection(allowed: "a number of seconds from \(range)\(off)")
            }
            configuration[keyPath: target] = value
        }
    }

    /// So many a second.
    static func rate(
        _ key: String,
        _ bounds: ClosedRange<Double>,
        _ target: Target<Double>,
        _ help: String
    ) -> Setting {
        let fallback = self.format(ServeConfiguration()[keyPath: target])
        return Setting(key: key, placeholder: "N", fallback: fallback, help: help) {
            text, configuration throws(Rejection) in
            guard let value = Double(text), bounds.contains(value) else {
                let range = "\(self.format(bounds.lowerBound)) to \(self.format(bounds.upperBound))"
                throw Rejection(allowed: "a number a second from \(range)")
            }
            configuration[keyPath: target] = value
        }
    }

    static func flag(_ key: String, _ target: Target<Bool>, _ help: String) -> Setting {
        let fallback = String(ServeConfiguration()[keyPath: target])
        return Setting(key: key, placeholder: "BOOL", fallback: fallback, help: help, isSwitch: true) {
            text, configuration throws(Rejection) in
            guard let value = Bool(text) else { throw Rejection(allowed: "true or false") }
            configuration[keyPath: target] = value
        }
    }

    static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String,
        _ target: Target<Value>,
        _ help: String
    ) -> Setting {
        let names = Value.allCases.map(\.rawValue)
        let fallback = ServeConfiguration()[keyPath: target].rawValue
        return Setting(key: key, placeholder: names.joined(separator: "|"), fallback: fallback, help: help) {
            text, configuration throws(Rejection) in
            guard let value = Value(rawValue: text) else {
                throw Rejection(allowed: "one of \(names.joined(separator: ", "))")
            }
            configuration[keyPath: target] = value
        }
    }

    private static func format(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? String(Int(seconds)) : String(seconds)
    }
}
