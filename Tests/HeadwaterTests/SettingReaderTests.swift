// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import ArgumentParser
import Origin
import Testing

@testable import headwater

@Suite struct SettingReaderTests {
    /// The setting's text and where it comes from.
    private func value(
        _ key: String,
        arguments: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> [String] {
        let values = try await SettingReader.values(arguments: arguments, environment: environment)
        let value = try #require(values.first { $0.setting.key == key })
        return [value.text, value.source.description]
    }

    @Test func withoutAnythingEverySettingHasItsDefault() async throws {
        let values = try await SettingReader.values(arguments: [], environment: ["PATH": "/bin", "PORT": "1"])
        #expect(values.map(\.setting.key) == SettingCatalogue.all.map(\.key))
        for value in values {
            #expect(value.text == value.setting.fallback)
            #expect(value.source.description == "default")
        }
        let configuration = try SettingReader.configuration(values)
        #expect(configuration.origin.port == 8080)
        #expect(configuration.origin.publishTokens.isEmpty)
        #expect(configuration.readyFile == nil)
    }

    @Test func aFlagGoesBeforeTheEnvironmentTheFileAndTheDefault() async throws {
        try await SettingSamples.withFile("drain-window: 3\n") { path in
            let file = ["HEADWATER_CONFIG": path]
            let both = ["HEADWATER_CONFIG": path, "HEADWATER_DRAIN_WINDOW": "4"]
            let flag = ["--drain-window", "5"]
            let found = [
                try await self.value("drain-window"),
                try await self.value("drain-window", environment: file),
                try await self.value("drain-window", environment: both),
                try await self.value("drain-window", arguments: flag, environment: both),
            ]
            #expect(found[0] == ["20", "default"])
            #expect(found[1] == ["3", "file \(path)"])
            #expect(found[2] == ["4", "environment HEADWATER_DRAIN_WINDOW"])
            #expect(found[3] == ["5", "flag --drain-window"])
        }
    }

    @Test(arguments: [["--port", "1"], ["--port=1"], ["--port", "2", "--port=1"]])
    func aFlagTakesItsValueEitherWay(arguments: [String]) async throws {
        let found = try await self.value("port", arguments: arguments)
        #expect(found == ["1", "flag --port"])
    }

    @Test func aFlagsValueMayHoldAnEqualsSign() async throws {
        let found = try await self.value("ready-file", arguments: ["--ready-file=a=b"])
        #expect(found.first == "a=b")
    }

    @Test func theFlagNamesTheFileBeforeTheEnvironment() async throws {
        try await SettingSamples.withFile("port: 7\n") { path in
            let found = try await self.value(
                "port", arguments: ["--config", path], environment: ["HEADWATER_CONFIG": "/nonexistent"]
            )
            #expect(found == ["7", "file \(path)"])
        }
    }

    @Test func anEmptyVariableCountsAsUnset() async throws {
        let environment = ["HEADWATER_PORT": "", "HEADWATER_CONFIG": ""]
        let found = try await self.value("port", environment: environment)
        #expect(found == ["8080", "default"])
    }

    @Test(arguments: SettingSamples.good.sorted { $0.key < $1.key })
    func everySettingIsReadFromEverySource(key: String, text: String) async throws {
        let setting = try SettingSamples.setting(key)
        let environment = try await self.value(key, environment: [setting.environment: text])
        #expect(environment == [text, "environment \(setting.environment)"])
        if setting.hasFlag {
            let flag = try await self.value(key, arguments: [setting.flag, text])
            #expect(flag == [text, "flag \(setting.flag)"])
        }
        // Plain and quoted: a number or a boolean of YAML is meant as its text.
        for written in [text.contains(/[:,]/) ? "\"\(text)\"" : text, "\"\(text)\""] {
            try await SettingSamples.withFile("\(key): \(written)\n") { path in
                let file = try await self.value(key, arguments: ["--config", path])
                #expect(file == [text, "file \(path)"])
            }
        }
    }

    @Test func everySettingHasASample() {
        let keys = SettingCatalogue.all.map(\.key).filter { $0 != "publish-token-file" }
        #expect(SettingSamples.good.keys.sorted() == keys.sorted())
    }

    @Test func aSequenceInTheFileIsAList() async throws {
        let text = "# a comment\ncors-origins:\n  - https://a.example\n  - https://b.example\n\nport: 1 # why\n"
        try await SettingSamples.withFile(text) { path in
            let origins = try await self.value("cors-origins", arguments: ["--config", path])
            let port = try await self.value("port", arguments: ["--config", path])
            #expect(origins.first == "https://a.example,https://b.example")
            #expect(port.first == "1")
        }
    }

    @Test(arguments: [
        ["--prot", "1"], ["--Port", "1"], ["--port"], ["port", "1"], ["-p", "1"], ["--"], ["--=1"],
        ["--publish-tokens", "12345678=x"], ["--config", "/nonexistent/headwater.yaml"], ["--port", "1", "stray"],
    ])
    func whatIsNoSettingEndsWithTheUsageStatus(arguments: [String]) async {
        await #expect(throws: ExitCode(64)) {
            try await SettingReader.values(arguments: arguments, environment: [:])
        }
    }

    @Test(arguments: [["--tls-certificate", "a.pem"], ["--tls-key", "a,b", "--tls-certificate", "a"]])
    func everyCertificateNeedsItsKey(arguments: [String]) async throws {
        let values = try await SettingReader.values(arguments: arguments, environment: [:])
        #expect(throws: ExitCode(64)) { try SettingReader.configuration(values) }
    }

    @Test(arguments: ["prot: 1\n", "port: 1\nPort: 2\n", "headwater-port: 1\n", "[not, a, map\n", "port: [1\n"])
    func aFileWithWhatIsNoSettingEndsWithTheUsageStatus(text: String) async throws {
        try await SettingSamples.withFile(text) { path in
            _ = await #expect(throws: ExitCode(64)) {
                try await SettingReader.values(arguments: ["--config", path], environment: [:])
            }
        }
    }
}
