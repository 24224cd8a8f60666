// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Reads settings from flags, environment (`HEADWATER_*`) and a YAML file, in that precedence, through
// swift-configuration, and remembers where each value came from.

import ArgumentParser
import Configuration
import FoundationEssentials
import SystemPackage

/// A setting's text and where it comes from.
struct SettingValue {
    enum Source: CustomStringConvertible {
        case flag(String)
        case environment(String)
        case file(String)
        case fallback

        var description: String {
            switch self {
            case .flag(let name): "flag \(name)"
            case .environment(let name): "environment \(name)"
            case .file(let path): "file \(path)"
            case .fallback: "default"
            }
        }
    }

    let setting: Setting
    let text: String
    let source: Source
}

enum SettingReader {
    /// EX_USAGE of sysexits.h, which ArgumentParser also exits with.
    static let usageExit: Int32 = 64

    /// Ends the process with 64 and a message for a setting that cannot be used.
    static func configuration(arguments: [String]) async throws -> ServeConfiguration {
        try self.configuration(try await self.values(arguments: arguments))
    }

    static func configuration(_ values: [SettingValue]) throws -> ServeConfiguration {
        var configuration = ServeConfiguration()
        for value in values where !(value.text.isEmpty && value.setting.fallback.isEmpty) {
            do throws(Setting.Rejection) {
                try value.setting.apply(value.text, &configuration)
            } catch {
                let shown = value.setting.isSecret ? "********" : value.text
                let invalid = InvalidSetting(key: value.setting.key, value: shown, allowed: error.allowed)
                throw self.exit("\(invalid) (from \(value.source))")
            }
        }
        guard configuration.tlsCertificates.count == configuration.tlsKeys.count else {
            throw self.exit(
                "tls-certificate names \(configuration.tlsCertificates.count) files and tls-key "
                    + "\(configuration.tlsKeys.count); name one key for each certificate, in the same order"
            )
        }
        return configuration
    }

    static func values(
        arguments: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> [SettingValue] {
        let flags = try self.flags(arguments)
        let environmentProvider = EnvironmentVariablesProvider(environmentVariables: environment)
        let path = flags["config"] ?? environment["HEADWATER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let file = try await path.asyncMap { try await self.file($0) }
        return try SettingCatalogue.all.map { setting in
            if let text = flags[setting.key] {
                return SettingValue(setting: setting, text: text, source: .flag(setting.flag))
            }
            // An empty variable counts as unset, as everywhere in this field.
            if let text = try self.text(["headwater", setting.key], in: environmentProvider), !text.isEmpty {
                return SettingValue(setting: setting, text: text, source: .environment(setting.environment))
            }
            if let file, let path, let text = try self.text([setting.key], in: file) {
                return SettingValue(setting: setting, text: text, source: .file(path))
            }
            return SettingValue(setting: setting, text: setting.fallback, source: .fallback)
        }
    }

    /// `--name value`, `--name=value`, and `--name` alone for what is true or false.
    private static func flags(_ arguments: [String]) throws -> [String: String] {
        var flags: [String: String] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                throw self.exit("\"\(argument)\" is no setting; settings look like --port 8080 (see --help)")
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(parts[0])
            let setting = SettingCatalogue.all.first { $0.key == key && $0.hasFlag }
            guard key == "config" || setting != nil else {
                throw self.exit("--\(key) is no setting; headwater serve --help lists them")
            }
            if parts.count > 1 {
                flags[key] = String(parts[1])
            } else if setting?.isSwitch == true, rest.first.map({ $0.hasPrefix("--") }) ?? true {
                flags[key] = "true"
            } else if let value = rest.popFirst() {
                flags[key] = value
            } else {
                throw self.exit("--\(key) needs a value")
            }
        }
        return flags
    }

    /// Variables that look like settings and are none: a misspelt one would otherwise be ignored in silence.
    static func strangers(in environment: [String: String]) -> [String] {
        let known = Set(SettingCatalogue.all.map(\.environment) + ["HEADWATER_CONFIG"])
        return environment.keys.filter { $0.hasPrefix("HEADWATER_") && !known.contains($0) }.sorted()
    }

    private static func file(_ path: String) async throws -> FileProvider<YAMLSnapshot> {
        let provider: FileProvider<YAMLSnapshot>
        let text: String
        do {
            text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
            provider = try await FileProvider<YAMLSnapshot>(filePath: FilePath(path))
        } catch {
            throw self.exit(
                "config is \"\(path)\"; it must be a readable YAML file of \"setting: value\" lines (\(error))")
        }
        // A misspelt key must not be ignored in silence. Keys of a flat file are what starts a line.
        for line in text.split(whereSeparator: \.isNewline) {
            guard let first = line.first, first.isLetter, let colon = line.firstIndex(of: ":") else { continue }
            let key = String(line[..<colon])
            guard SettingCatalogue.all.contains(where: { $0.key == key }) else {
                throw self.exit("\(key) in \(path) is no setting; headwater serve --help lists them")
            }
        }
        return provider
    }

    private static func text(_ key: [String], in provider: some ConfigProvider) throws -> String? {
        let key = AbsoluteConfigKey(key)
        if let found = try? provider.value(forKey: key, type: .string).value {
            guard case .string(let text) = found.content else { return nil }
            return text
        }
        // A YAML sequence stands for a comma-separated list.
        guard let list = try? provider.value(forKey: key, type: .stringArray).value,
            case .stringArray(let items) = list.content
        else { return nil }
        return items.joined(separator: ",")
    }

    private static func exit(_ message: String) -> any Error {
        StandardError.write("headwater: \(message)\n")
        return ExitCode(self.usageExit)
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async throws -> Result? {
        switch self {
        case .some(let value): try await transform(value)
        case .none: nil
        }
    }
}
