// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation

@testable import Transport

/// Certificates for the tests, made by the `openssl` program, so that our own code does not vouch for itself.
///
///     authority ─┬─ local     localhost, 127.0.0.1, ::1 (EC)
///                ├─ named     named.example, *.wild.example (EC)
///                ├─ namedRSA  named.example (RSA)
///                ├─ expired   localhost, ended in 2020
///                └─ client    the edge
///     stranger ──── impostor  localhost; also shown as client certificate
struct TLSFixtures: Sendable {
    /// Made once for the whole test process, and removed with it.
    static let shared = Result { try TLSFixtures() }

    static var files: TLSFixtures {
        get throws { try shared.get() }
    }

    let directory: String

    var authority: String { directory + "/authority.pem" }
    var stranger: String { directory + "/stranger.pem" }
    var local: TLSServerConfiguration.CertificateFiles { pair("local") }
    var named: TLSServerConfiguration.CertificateFiles { pair("named") }
    var namedRSA: TLSServerConfiguration.CertificateFiles { pair("named-rsa") }
    var expired: TLSServerConfiguration.CertificateFiles { pair("expired") }
    var client: TLSServerConfiguration.CertificateFiles { pair("client") }
    var impostor: TLSServerConfiguration.CertificateFiles { pair("impostor") }
    var other: TLSServerConfiguration.CertificateFiles { pair("other") }

    private func pair(_ name: String) -> TLSServerConfiguration.CertificateFiles {
        .init(certificate: "\(directory)/\(name).pem", key: "\(directory)/\(name).key")
    }

    private init() throws {
        directory = try Self.temporaryDirectory()
        try makeAuthority("authority")
        try makeAuthority("stranger")
        let local = "DNS:localhost,IP:127.0.0.1,IP:::1"
        try issue("local", by: "authority", names: local)
        try issue("other", by: "authority", names: local)
        try issue("named", by: "authority", names: "DNS:named.example,DNS:*.wild.example")
        try issue("named-rsa", by: "authority", names: "DNS:named.example", key: ["rsa:2048"])
        try issue("client", by: "authority", names: "DNS:edge.example", subject: "/O=Example/CN=the edge")
        try issue("impostor", by: "stranger", names: local)
        try issue(
            "expired", by: "authority", names: local,
            validity: ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"])
    }

    /// Holds every directory that the tests of this process make.
    private static let root: URL = {
        atexit { try? FileManager.default.removeItem(at: TLSFixtures.root) }
        return FileManager.default.temporaryDirectory.appendingPathComponent("headwater-tls-\(getpid())")
    }()

    static func temporaryDirectory() throws -> String {
        let directory = root.appendingPathComponent("\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        return directory.path
    }

    private func makeAuthority(_ name: String) throws {
        try openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=\(name)", "-keyout", "\(directory)/\(name).key", "-out", "\(directory)/\(name).pem",
        ])
        try Data().write(to: URL(fileURLWithPath: "\(directory)/\(name).index"))
        // `openssl ca` is the one command that takes a start and an end date.
        let configuration = """
            [ca]
            default_ca = this
            [this]
            database = \(directory)/\(name).index
            new_certs_dir = \(directory)
            certificate = \(directory)/\(name).pem
            private_key = \(directory)/\(name).key
            rand_serial = yes
            default_md = sha256
            default_days = 30
            unique_subject = no
            copy_extensions = copy
            policy = any
            [any]
            organizationName = optional
            commonName = supplied
            """
        try configuration.write(toFile: "\(directory)/\(name).cnf", atomically: true, encoding: .utf8)
    }

    private func issue(
        _ name: String,
        by authority: String,
        names: String,
        subject: String? = nil,
        key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        validity: [String] = []
    ) throws {
        try openssl(
            ["req", "-new", "-newkey"] + key + [
                "-nodes", "-subj", subject ?? "/CN=\(name)", "-addext", "subjectAltName=\(names)",
                "-keyout", "\(directory)/\(name).key", "-out", "\(directory)/\(name).csr",
            ])
        try openssl(
            [
                "ca", "-batch", "-notext", "-config", "\(directory)/\(authority).cnf",
                "-in", "\(directory)/\(name).csr", "-out", "\(directory)/\(name).pem",
            ] + validity)
    }

    private func openssl(_ arguments: [String]) throws {
        let result = try ForeignProgram.runBlocking("openssl", arguments)
        guard result.status == 0 else { throw ForeignProgram.Failure(program: "openssl", result: result) }
    }
}
