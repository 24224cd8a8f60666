// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import ArgumentParser
import Testing

@testable import Origin
@testable import headwater

@Suite struct SettingValueTests {
    private func apply(_ key: String, _ text: String) throws -> ServeConfiguration {
        var configuration = ServeConfiguration()
        try SettingSamples.setting(key).apply(text, &configuration)
        return configuration
    }

    @Test func everyDefaultIsAValueThatIsAllowed() throws {
        for setting in SettingCatalogue.all where !setting.fallback.isEmpty {
            #expect(throws: Never.self, "\(setting.key)") { try self.apply(setting.key, setting.fallback) }
        }
    }

    @Test(arguments: SettingSamples.good.sorted { $0.key < $1.key })
    func aGoodValueChangesTheConfiguration(key: String, text: String) throws {
        let before = String(describing: ServeConfiguration())
        #expect(String(describing: try self.apply(key, text)) != before)
    }

    @Test(arguments: SettingSamples.bad)
    func aBadValueIsRefusedWithWhatIsAllowed(key: String, value: String) throws {
        let setting = try SettingSamples.setting(key)
        var configuration = ServeConfiguration()
        do throws(Setting.Rejection) {
            try setting.apply(value, &configuration)
            Issue.record("\(key) took \"\(value)\"")
        } catch {
            #expect(!error.allowed.isEmpty)
        }
        #expect(String(describing: configuration) == String(describing: ServeConfiguration()))
    }

    @Test func theMessageNamesKeyValueAndWhatIsAllowed() {
        let error = InvalidSetting(key: "port", value: "x", allowed: "a whole number from 0 to 65535")
        #expect(error.description == "port is \"x\"; it must be a whole number from 0 to 65535")
    }

    @Test func secondsBecomeTheUnitsOfTheirOwner() throws {
        #expect(try self.apply("heartbeat", "0.5").origin.heartbeat == 0.5)
        #expect(try self.apply("heartbeat", "0").origin.heartbeat == 0)
        #expect(try self.apply("header-timeout", "0.25").origin.limits.headerTimeout == 250_000_000)
        #expect(try self.apply("body-timeout", "2").origin.limits.bodyTimeout == 2_000_000_000)
        #expect(try self.apply("keep-alive-timeout", "3600").origin.limits.keepAliveTimeout == 3_600_000_000_000)
    }

    @Test func originsAreAListOrAll() throws {
        #expect(try self.apply("cors-origins", "*").origin.crossOrigin == CrossOriginPolicy(.any))
        let two = CrossOriginPolicy(.origins(["https://a.example", "http://localhost:3000"]))
        let text = " https://a.example , http://localhost:3000,"
        #expect(try self.apply("cors-origins", text).origin.crossOrigin == two)
    }

    @Test func proxiesAreRanges() throws {
        let ranges = try self.apply("trusted-proxies", "10.0.0.0/8, ::1").origin.trustedProxies
        #expect(ranges.count == 2)
        #expect(ranges.contains { $0.contains("10.9.9.9") })
        #expect(ranges.contains { $0.contains("::1") })
    }

    @Test func tokensOfFileAndListAddUp() async throws {
        try await SettingSamples.withFile("# tokens\nabcdefgh news,llm-*\n") { path in
            var configuration = try self.apply("publish-token-file", path)
            try SettingSamples.setting("publish-tokens").apply("12345678=x", &configuration)
            #expect(configuration.origin.publishTokens.count == 2)
        }
    }

    @Test(arguments: SettingSamples.bad)
    func aBadValueEndsWithTheUsageStatus(key: String, value: String) throws {
        // An empty text of a setting without a default is no value at all.
        let setting = try SettingSamples.setting(key)
        let read = SettingValue(setting: setting, text: value, source: .fallback)
        #expect(throws: ExitCode(64)) { try SettingReader.configuration([read]) }
    }
}
