// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import NIOCore
import Testing

@testable import Transport

/// Foreign clients against our server: what they say counts.
@Suite(.timeLimit(.minutes(2))) struct TLSForeignClientTests {
    private static func server(
        body: @escaping @Sendable (TLSConnectionRecord) -> String = { $0.completed?.version.rawValue ?? "?" },
        change: (inout TLSServerConfiguration) throws -> Void = { _ in }
    ) async throws -> TLSLoopbackServer {
        let files = try TLSFixtures.files
        var configuration = TLSServerConfiguration(certificates: [files.local, files.named], keyLogFile: nil)
        try change(&configuration)
        return try await TLSLoopbackServer(TLSContext(server: configuration), body: body)
    }

    // curl

    @Test(arguments: [(["--tls-max", "1.2"], "TLSv1.2"), (["--tlsv1.3"], "TLSv1.3")])
    func curlGetsItsAnswer(options: [String], version: String) async throws {
        let server = try await Self.server()
        let result = try await ForeignProgram.run(
            "curl",
            ["-sS", "--http1.1", "--cacert", TLSFixtures.files.authority, "https://localhost:\(server.port)/"] + options
        )
        #expect(result.output == version)
        #expect(result.status == 0)
        let record = await server.nextRecord()
        #expect(record?.completed?.applicationProtocol == "http/1.1")
        #expect(record?.errors == [])
        try await server.close()
    }

    @Test func curlWithoutTheAuthorityRefusesAndSaysSo() async throws {
        let server = try await Self.server()
        let result = try await ForeignProgram.run("curl", ["-sS", "--http1.1", "https://localhost:\(server.port)/"])
        #expect(result.status == 60)
        #expect(await server.nextRecord()?.errors == [.refusedByPeer(.unknownAuthority)])
        try await server.close()
    }

    @Test func curlWithPlainHTTPReadsWhatToDo() async throws {
        let server = try await Self.server()
        let result = try await ForeignProgram.run(
            "curl", ["-sS", "-w", "%{http_code}", "http://localhost:\(server.port)/"])
        #expect(result.output == "This port speaks TLS: use https://\r\n400")
        #expect(await server.nextRecord()?.errors == [.plainHTTPRequest])
        try await server.close()
    }

    @Test(arguments: ["1.2", "1.3"])
    func curlNeedsTheRightClientCertificate(version: String) async throws {
        let files = try TLSFixtures.files
        let server = try await Self.server(body: { $0.completed?.peerCertificateSubject ?? "nobody" }) {
            $0.clientAuthorities = files.authority
        }
        let call = [
            "-sS", "--http1.1", "--cacert", files.authority, "--tls-max", version, "https://localhost:\(server.port)/",
        ]
        let edge = try await ForeignProgram.run(
            "curl", call + ["--cert", files.client.certificate, "--key", files.client.key])
        #expect(edge.output == "CN=the edge,O=Example")
        #expect(await server.nextRecord()?.errors == [])
        let nobody = try await ForeignProgram.run("curl", call)
        #expect(nobody.status != 0)
        #expect(await server.nextRecord()?.errors == [.clientCertificateMissing])
        let stranger = try await ForeignProgram.run(
            "curl", call + ["--cert", files.impostor.certificate, "--key", files.impostor.key])
        #expect(stranger.status != 0)
        #expect(await server.nextRecord()?.errors == [.unknownAuthority(selfSigned: false)])
        try await server.close()
    }

    @Test func curlTrustsTheDevelopmentCertificate() async throws {
        let development = try SelfSignedCertificate(directory: TLSFixtures.temporaryDirectory(), now: .now)
        let server = try await Self.server(change: { $0.certificates = [development.files] })
        for host in ["localhost", "127.0.0.1"] {
            let result = try await ForeignProgram.run(
                "curl",
                ["-sS", "--http1.1", "--cacert", development.files.certificate, "https://\(host):\(server.port)/"])
            #expect(result.output == "TLSv1.3")
        }
        try await server.close()
    }

    // openssl s_client

    private static func client(_ server: TLSLoopbackServer, _ options: [String], input: String = "") async throws
        -> String
    {
        try await ForeignProgram.run(
            "openssl",
            ["s_client", "-connect", "127.0.0.1:\(server.port)", "-CAfile", TLSFixtures.files.authority] + options,
            input: input
        ).output
    }

    @Test(arguments: [("a.wild.example", "CN = named"), ("localhost", "CN = local"), ("unknown.example", "CN = local")])
    func serverNameChoosesTheCertificate(name: String, subject: String) async throws {
        let server = try await Self.server()
        let output = try await Self.client(server, ["-servername", name])
        #expect(output.contains("subject=\(subject)\n"))
        #expect(output.contains("Verification: OK"))
        try await server.close()
    }

    @Test func keyKindOfTheClientChoosesAmongTwoCertificates() async throws {
        let files = try TLSFixtures.files
        let server = try await Self.server(change: { $0.certificates = [files.local, files.named, files.namedRSA] })
        let elliptic = try await Self.client(
            server, ["-servername", "named.example", "-sigalgs", "ECDSA+SHA256:RSA-PSS+SHA256"])
        #expect(elliptic.contains("subject=CN = named\n"))
        let rsa = try await Self.client(
            server, ["-servername", "named.example", "-tls1_2", "-cipher", "aRSA", "-sigalgs", "RSA+SHA256"])
        #expect(rsa.contains("subject=CN = named-rsa\n"))
        try await server.close()
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func unknownProtocolGetsItsAlert(version: String) async throws {
        let server = try await Self.server()
        let output = try await Self.client(server, ["-alpn", "spdy/3", version])
        #expect(output.contains("alert no application protocol"))
        #expect(await server.nextRecord()?.errors == [.noCommonProtocol])
        try await server.close()
    }

    @Test func oldVersionGetsItsAlert() async throws {
        let server = try await Self.server()
        let output = try await Self.client(server, ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])
        #expect(output.contains("alert protocol version"))
        #expect(await server.nextRecord()?.errors == [.noCommonVersion])
        try await server.close()
    }

    @Test func sessionIsReusedByTLS12() async throws {
        let server = try await Self.server()
        let session = try TLSFixtures.temporaryDirectory() + "/session"
        let first = try await Self.client(server, ["-tls1_2", "-sess_out", session])
        #expect(first.contains("New, TLSv1.2"))
        let second = try await Self.client(server, ["-tls1_2", "-sess_in", session])
        #expect(second.contains("Reused, TLSv1.2"))
        #expect(await server.nextRecord()?.completed?.resumed == false)
        #expect(await server.nextRecord()?.completed?.resumed == true)
        try await server.close()
    }

    @Test func renegotiationIsRefused() async throws {
        let server = try await Self.server()
        // "R" at the start of a line asks s_client to renegotiate.
        let output = try await Self.client(server, ["-tls1_2"], input: "R\n")
        #expect(output.contains("RENEGOTIATING"))
        #expect(output.contains("no renegotiation"))
        #expect(await server.nextRecord()?.completed != nil)
        try await server.close()
    }

    @Test func keyUpdateIsAnswered() async throws {
        let server = try await Self.server()
        // "K" asks s_client to update its keys, and to request the same of us.
        let output = try await Self.client(server, ["-tls1_3"], input: "K\n")
        #expect(output.contains("KEYUPDATE"))
        let record = await server.nextRecord()
        #expect(record?.completed != nil)
        #expect(record?.errors == [])
        #expect(record?.ends == [.closeNotify])
        try await server.close()
    }

    @Test func compressionIsOff() async throws {
        let server = try await Self.server()
        let output = try await Self.client(server, ["-tls1_2", "-comp"])
        #expect(output.contains("Compression: NONE"))
        try await server.close()
    }
}
