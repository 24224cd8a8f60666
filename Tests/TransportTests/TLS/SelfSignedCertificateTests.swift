// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Testing

@testable import Transport

@Suite struct SelfSignedCertificateTests {
    private static let noon: Int64 = 1_800_000_000

    @Test func namesValidityAndModesAreRight() throws {
        let directory = try TLSFixtures.temporaryDirectory() + "/tls"
        let made = try SelfSignedCertificate(directory: directory, names: ["origin.test", "10.0.0.7"], now: Self.noon)
        #expect(!made.reused)
        #expect(made.summary.names == ["localhost", "origin.test"])
        #expect(made.summary.addresses == ["127.0.0.1", "::1", "10.0.0.7"])
        #expect(made.summary.notBefore == Self.noon - 3600)
        #expect(made.summary.notAfter == Self.noon + 90 * 86_400)
        let attributes = FileManager.default.attributesOfItem
        #expect(try attributes(made.files.key)[.posixPermissions] as? Int == 0o600)
        #expect(try attributes(made.files.certificate)[.posixPermissions] as? Int == 0o644)
        #expect(try attributes(directory)[.posixPermissions] as? Int == 0o700)
    }

    @Test func isUsedAgainWhileItServes() throws {
        let directory = try TLSFixtures.temporaryDirectory()
        let first = try SelfSignedCertificate(directory: directory, now: Self.noon)
        let again = try SelfSignedCertificate(directory: directory, now: Self.noon + 80 * 86_400)
        #expect(again.reused)
        #expect(again.fingerprint == first.fingerprint)
        let late = try SelfSignedCertificate(directory: directory, now: Self.noon + 84 * 86_400)
        #expect(!late.reused)
        #expect(late.fingerprint != first.fingerprint)
        let wider = try SelfSignedCertificate(
            directory: directory, names: ["new.test"], now: Self.noon + 84 * 86_400)
        #expect(!wider.reused)
        let narrower = try SelfSignedCertificate(directory: directory, names: [], now: Self.noon + 84 * 86_400)
        #expect(narrower.reused)
    }

    @Test func brokenFilesAreReplaced() throws {
        let directory = try TLSFixtures.temporaryDirectory()
        let first = try SelfSignedCertificate(directory: directory, now: Self.noon)
        try Data().write(to: URL(fileURLWithPath: first.files.key))
        #expect(try SelfSignedCertificate(directory: directory, now: Self.noon).reused == false)
    }

    @Test(arguments: ["a,DNS:evil", "", "a b", "x\n", "email:a@b"])
    func namesThatWouldChangeTheExtensionAreRefused(name: String) throws {
        let directory = try TLSFixtures.temporaryDirectory()
        #expect(throws: TLSError.self) {
            try SelfSignedCertificate(directory: directory, names: [name], now: Self.noon)
        }
    }

    @Test func directoryThatCannotBeWrittenIsTold() {
        #expect(throws: TLSError.self) {
            try SelfSignedCertificate(directory: "/proc/nowhere", now: Self.noon)
        }
    }

    @Test func instructionsNameTheFileAndItsFingerprint() throws {
        let made = try SelfSignedCertificate(directory: TLSFixtures.temporaryDirectory(), now: Self.noon)
        let text = made.trustInstructions(url: "https://localhost:8443/")
        #expect(text.contains("curl --cacert \(made.files.certificate) https://localhost:8443/"))
        #expect(text.contains(made.fingerprint))
        #expect(made.fingerprint.wholeMatch(of: /([0-9A-F]{2}:){31}[0-9A-F]{2}/) != nil)
    }
}
