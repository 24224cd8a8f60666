// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import NIOCore
import Testing

@testable import Transport

@Suite struct TLSFilesTests {
    private static func failure(_ files: TLSServerConfiguration.CertificateFiles) -> TLSError? {
        do throws(TLSError) {
            _ = try TLSContext(server: .init(certificates: [files], keyLogFile: nil))
            return nil
        } catch {
            return error
        }
    }

    @Test func missingFileIsNamedWithTheSystemsReason() throws {
        let files = try TLSFixtures.files
        let missing = files.directory + "/missing.pem"
        let reason = "No such file or directory"
        #expect(
            Self.failure(.init(certificate: missing, key: files.local.key))
                == .fileUnreadable(path: missing, reason: reason))
        #expect(
            Self.failure(.init(certificate: files.local.certificate, key: missing))
                == .fileUnreadable(path: missing, reason: reason))
        #expect(Self.failure(.init(certificate: files.directory, key: files.local.key)) != nil)
    }

    @Test func swappedFilesAreTold() throws {
        let local = try TLSFixtures.files.local
        #expect(
            Self.failure(.init(certificate: local.key, key: local.certificate))
                == .nothingInFile(path: local.key, wanted: "certificate"))
        #expect(
            Self.failure(.init(certificate: local.certificate, key: local.certificate))
                == .nothingInFile(path: local.certificate, wanted: "private key"))
    }

    @Test func keyOfAnotherCertificateIsTold() throws {
        let files = try TLSFixtures.files
        for other in [files.other, files.namedRSA] {
            #expect(
                Self.failure(.init(certificate: files.local.certificate, key: other.key))
                    == .keyMismatch(certificate: files.local.certificate, key: other.key))
        }
    }

    @Test func keyWithPassphraseIsToldAndNobodyIsAsked() throws {
        let files = try TLSFixtures.files
        let encrypted = try TLSFixtures.temporaryDirectory() + "/encrypted.key"
        let made = try ForeignProgram.runBlocking(
            "openssl", ["pkey", "-in", files.local.key, "-aes256", "-passout", "pass:secret", "-out", encrypted])
        try #require(made.status == 0, "\(made.output)")
        #expect(
            Self.failure(.init(certificate: files.local.certificate, key: encrypted)) == .keyEncrypted(path: encrypted))
    }

    @Test func weakKeyIsRefusedAtTheStartWhereverItStands() throws {
        let files = try TLSFixtures.files
        let weak = try TLSFixtures.temporaryDirectory() + "/weak"
        let made = try ForeignProgram.runBlocking(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=weak", "-addext",
                "subjectAltName=DNS:weak.example", "-keyout", weak + ".key", "-out", weak + ".pem",
            ])
        try #require(made.status == 0, "\(made.output)")
        let pair = TLSServerConfiguration.CertificateFiles(certificate: weak + ".pem", key: weak + ".key")
        let expected = TLSError.certificateRefused(path: weak + ".pem", reason: "ee key too small")
        #expect(Self.failure(pair) == expected)
        #expect(throws: expected) {
            try TLSContext(server: .init(certificates: [files.local, pair], keyLogFile: nil))
        }
    }

    @Test func serverWithoutCertificateIsToldWhatToGive() {
        #expect(throws: TLSError.self) { try TLSContext(server: .init(certificates: [], keyLogFile: nil)) }
    }

    @Test(arguments: ["", String(repeating: "x", count: 256)])
    func impossibleProtocolIsRefused(name: String) throws {
        let files = try TLSFixtures.files
        #expect(throws: TLSError.self) {
            try TLSContext(
                server: .init(certificates: [files.local], applicationProtocols: [name], keyLogFile: nil))
        }
    }

    @Test func oneFileMayHoldCertificateAndKey() throws {
        let local = try TLSFixtures.files.local
        let both = try TLSFixtures.temporaryDirectory() + "/both.pem"
        try
            (String(contentsOfFile: local.key, encoding: .utf8)
            + String(contentsOfFile: local.certificate, encoding: .utf8))
            .write(toFile: both, atomically: true, encoding: .utf8)
        #expect(Self.failure(.init(certificate: both, key: both)) == nil)
    }

    @Test func summarySaysWhatIsInTheCertificate() throws {
        let files = try TLSFixtures.files
        let context = try TLSContext(server: .init(certificates: [files.expired, files.named], keyLogFile: nil))
        let expired = context.certificateSummaries[0]
        #expect(expired.subject == "CN=expired")
        #expect(expired.names == ["localhost"])
        #expect(expired.addresses == ["127.0.0.1", "::1"])
        #expect(expired.notBefore == 1_577_836_800)
        #expect(expired.notAfter == 1_580_515_200)
        #expect(context.certificateSummaries[1].names == ["named.example", "*.wild.example"])
    }

    @Test func twoKindsOfKeyServeOneName() throws {
        let files = try TLSFixtures.files
        let server = try TLSContext(
            server: .init(certificates: [files.named, files.namedRSA], maximumVersion: .tls12, keyLogFile: nil))
        #expect(server.fallback == [0, 1])
        #expect(
            try TLSContext(server: .init(certificates: [files.local, files.namedRSA], keyLogFile: nil)).fallback == [0])
    }

    // Reload

    @Test func changedFilesAreLoadedAndBrokenOnesAreNot() throws {
        let files = try TLSFixtures.files
        let directory = try TLSFixtures.temporaryDirectory()
        let live = TLSServerConfiguration.CertificateFiles(
            certificate: directory + "/live.pem", key: directory + "/live.key")
        func install(_ part: String, as target: String) throws {
            try Data(contentsOf: URL(fileURLWithPath: part)).write(to: URL(fileURLWithPath: target), options: .atomic)
        }
        try install(files.local.certificate, as: live.certificate)
        try install(files.local.key, as: live.key)
        let reloader = try CertificateReloader(configuration: .init(certificates: [live], keyLogFile: nil))
        let first = reloader.context
        #expect(reloader.check() == .unchanged)

        // The certificate comes a moment before its key.
        try install(files.other.certificate, as: live.certificate)
        let mismatch = TLSError.keyMismatch(certificate: live.certificate, key: live.key)
        #expect(reloader.check() == .failed(mismatch))
        #expect(reloader.lastFailure == mismatch)
        #expect(reloader.context === first)
        // Said once, not at every tick.
        #expect(reloader.check() == .unchanged)

        try install(files.other.key, as: live.key)
        guard case .reloaded(let summaries) = reloader.check() else {
            Issue.record("not reloaded: \(String(describing: reloader.lastFailure))")
            return
        }
        #expect(summaries.map(\.subject) == ["CN=other"])
        #expect(reloader.lastFailure == nil)
        #expect(reloader.context !== first)

        try FileManager.default.removeItem(atPath: live.key)
        guard case .failed(.fileUnreadable(live.key, _)) = reloader.check() else {
            Issue.record("a missing key went unnoticed")
            return
        }
        let client = try TLSContext(client: .init(trust: .authorities(file: files.authority), keyLogFile: nil))
        let pair = try TLSPair(server: reloader.context, client: client)
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.completed?.peerCertificateSubject == "CN=other")
    }

    // Key log

    @Test func keyLogIsAppendedForTheOwnerAlone() throws {
        let path = try TLSFixtures.temporaryDirectory() + "/keys.log"
        for _ in 0..<2 {
            let pair = try TLSPair(server: { $0.keyLogFile = path })
            try pair.connectAndShakeHands()
        }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        // Five secrets of a TLS 1.3 connection, each with the client's random in hex and the secret.
        #expect(lines.count == 10)
        #expect(Set(lines.map { $0.split(separator: " ")[1] }).count == 2)
        #expect(lines.allSatisfy { $0.wholeMatch(of: /[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]{64,96}/) != nil })
        #expect(lines.contains { $0.hasPrefix("CLIENT_TRAFFIC_SECRET_0 ") })
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func keyLogThatCannotBeWrittenStopsTheStart() throws {
        #expect(throws: TLSError.self) {
            try TLSPair(client: { $0.keyLogFile = "/nonexistent/keys.log" })
        }
    }

    // Messages

    @Test(arguments: [
        (TLSError.keyMismatch(certificate: "c.pem", key: "k.pem"), ["c.pem", "k.pem", "does not match"]),
        (.fileUnreadable(path: "x", reason: "No such file or directory"), ["x", "No such file", "check"]),
        (.wrongHost(expected: "a.example"), ["a.example"]),
        (.plainHTTPRequest, ["https://"]),
        (.refusedByPeer(.unknownAuthority), ["unknown_ca", "authority"]),
        (.refusedByPeer(TLSAlert(rawValue: 200)), ["alert 200"]),
        (.noCommonVersion, ["TLS 1.2"]),
    ])
    func messageSaysWhatToDo(error: TLSError, words: [String]) {
        for word in words { #expect("\(error)".contains(word)) }
    }
}
