// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import headwater

/// `headwater config` and what both commands say of settings that cannot be used.
@Suite struct ConfigCommandTests {
    @Test func everySettingIsPrintedWithItsSource() async throws {
        try await SettingSamples.withFile("retry: 9\n") { path in
            let run = try HeadwaterProcess(
                ["config", "--port", "1", "--config", path], environment: ["HEADWATER_HEARTBEAT": "7.5"]
            )
            #expect(run.status == 0)
            #expect(run.errors == "")
            let lines = run.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(lines.map(\.first) == SettingCatalogue.all.map(\.key))
            #expect(lines.contains(["port", "1", "[flag", "--port]"]))
            #expect(lines.contains(["heartbeat", "7.5", "[environment", "HEADWATER_HEARTBEAT]"]))
            #expect(lines.contains(["retry", "9", "[file", "\(path)]"]))
            #expect(lines.contains(["host", "0.0.0.0", "[default]"]))
            #expect(lines.contains(["ready-file", "(none)", "[default]"]))
        }
    }

    @Test func secretsAreMasked() throws {
        let environment = ["HEADWATER_PUBLISH_TOKENS": "very-secret-token=news"]
        let run = try HeadwaterProcess(["config"], environment: environment)
        #expect(run.status == 0)
        let line = /publish-tokens +\*{8}  \[environment HEADWATER_PUBLISH_TOKENS\]\n/
        #expect(run.output.contains(line))
        #expect(!run.output.contains("very-secret"))
    }

    @Test func aSecretThatCannotBeUsedIsMaskedToo() throws {
        let environment = ["HEADWATER_PUBLISH_TOKENS": "very-secret token"]
        let run = try HeadwaterProcess(["config"], environment: environment)
        #expect(run.status == 64)
        #expect(run.errors.hasPrefix("headwater: publish-tokens is \"********\"; it must be TOKEN=PATTERN"))
        #expect(!(run.output + run.errors).contains("secret"))
    }

    @Test(arguments: ["config", "serve"])
    func aBadValueEndsWithKeyValueAllowedAndSource(command: String) throws {
        let run = try HeadwaterProcess([command, "--port", "http"])
        #expect(run.status == 64)
        #expect(run.output == "")
        #expect(
            run.errors
                == "headwater: port is \"http\"; it must be a whole number from 0 to 65535 (from flag --port)\n"
        )
    }

    @Test func aBadValueOfTheFileNamesTheFile() async throws {
        try await SettingSamples.withFile("log-level: loud\n") { path in
            let run = try HeadwaterProcess(["config", "--config", path])
            #expect(run.status == 64)
            #expect(run.errors.hasPrefix("headwater: log-level is \"loud\"; it must be one of trace, debug, info,"))
            #expect(run.errors.hasSuffix("(from file \(path))\n"))
        }
    }

    @Test(arguments: ["config", "serve"])
    func anUnknownFlagIsNamed(command: String) throws {
        let run = try HeadwaterProcess([command, "--prot", "1"])
        #expect(run.status == 64)
        #expect(run.errors == "headwater: --prot is no setting; headwater serve --help lists them\n")
    }

    @Test func anUnknownKeyOfTheFileIsNamed() async throws {
        try await SettingSamples.withFile("port: 1\nprot: 2\n") { path in
            let run = try HeadwaterProcess(["config", "--config", path])
            #expect(run.status == 64)
            #expect(run.errors == "headwater: prot in \(path) is no setting; headwater serve --help lists them\n")
        }
    }

    @Test func aFlagWithoutAValueIsNamed() throws {
        let run = try HeadwaterProcess(["serve", "--port"])
        #expect(run.status == 64)
        #expect(run.errors == "headwater: --port needs a value\n")
    }
}
