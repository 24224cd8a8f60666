// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The list of settings as `headwater serve --help` shows it.

enum SettingHelp {
    static let text: String = {
        var lines = [
            "Every setting is a flag, an environment variable or a line of the YAML file that --config PATH (or",
            "HEADWATER_CONFIG) names, in that precedence: --drain-window 5, HEADWATER_DRAIN_WINDOW=5, drain-window: 5.",
        ]
        for group in SettingCatalogue.groups {
            lines += ["", "\(group.title):"]
            for setting in group.settings {
                let name = setting.hasFlag ? "\(setting.flag) \(setting.placeholder)" : setting.environment
                let fallback = setting.fallback.isEmpty ? "" : " (default \(setting.fallback))"
                lines += ["  \(name)", "      \(setting.help)\(fallback)"]
            }
        }
        return lines.joined(separator: "\n")
    }()
}
