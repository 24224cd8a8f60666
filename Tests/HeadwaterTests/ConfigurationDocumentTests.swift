// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Testing

@testable import headwater

/// Holds docs/configuration.md against the catalogue of settings, both ways.
@Suite struct ConfigurationDocumentTests {
    /// A row of a table, without the backticks of its cells.
    private struct Row: Equatable {
        var group: String
        var flag: String
        var environment: String
        var key: String
        var fallback: String
    }

    /// Their default is the machine's, so the document does not show a value.
    private let ofTheMachine = ["max-connections", "event-loops"]

    private func documented() throws -> [Row] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
        return text.components(separatedBy: "\n## ").dropFirst().flatMap { section in
            let lines = section.split(separator: "\n")
            let group = lines.first.map(String.init) ?? ""
            return lines.filter { $0.hasPrefix("| ") && !$0.hasPrefix("| flag ") }.map { line in
                let cells = line.split(separator: "|").map {
                    $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "")
                }
                return Row(group: group, flag: cells[0], environment: cells[1], key: cells[2], fallback: cells[3])
            }
        }
    }

    private var catalogued: [Row] {
        SettingCatalogue.groups.flatMap { group in
            group.settings.map { setting in
                let value = self.ofTheMachine.contains(setting.key) ? "of the machine" : setting.fallback
                return Row(
                    group: group.title,
                    flag: setting.hasFlag ? setting.flag : "none",
                    environment: setting.environment,
                    key: setting.key,
                    fallback: value.isEmpty ? "none" : value
                )
            }
        }
    }

    @Test func everySettingHasItsRowAndEveryRowItsSetting() throws {
        let documented = try self.documented()
        #expect(documented.map(\.key) == self.catalogued.map(\.key))
    }

    @Test func everyRowHasTheSettingsGroupFlagEnvironmentAndDefault() throws {
        for (documented, catalogued) in zip(try self.documented(), self.catalogued) {
            #expect(documented == catalogued)
        }
    }

    @Test func everySettingIsInTheHelp() {
        for setting in SettingCatalogue.all {
            let name = setting.hasFlag ? "  \(setting.flag) \(setting.placeholder)\n" : "  \(setting.environment)\n"
            #expect(SettingHelp.text.contains(name), "\(setting.key)")
            #expect(SettingHelp.text.contains(setting.help), "\(setting.key)")
        }
    }

    @Test func keysAreUniqueAndKebabCase() {
        let keys = SettingCatalogue.all.map(\.key)
        #expect(Set(keys).count == keys.count)
        for key in keys { #expect(key.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(key)") }
    }
}
