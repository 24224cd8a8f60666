// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `headwater config`: what would be in force, and where each value comes from.

import ArgumentParser

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print the effective configuration with the source of each value; secrets are masked.",
        usage: "headwater config [--SETTING VALUE ...]",
        discussion: "Takes the same settings as serve, which lists them: headwater serve --help"
    )

    @Argument(parsing: .allUnrecognized, help: "Settings, as for serve.")
    var settings: [String] = []

    func run() async throws {
        let values = try await SettingReader.values(arguments: self.settings)
        // Values that cannot be used are an error here as they are for serve.
        _ = try SettingReader.configuration(values)
        let width = values.map(\.setting.key.count).max() ?? 0
        for value in values {
            let shown = value.setting.isSecret && !value.text.isEmpty ? "********" : value.text
            let key = value.setting.key + String(repeating: " ", count: width - value.setting.key.count)
            let text = shown.isEmpty ? "(none)" : shown
            print("\(key)  \(text)  [\(value.source)]")
        }
    }
}
