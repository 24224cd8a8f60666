// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// Our client against `openssl s_server`.
@Suite(.timeLimit(.minutes(2))) struct TLSForeignServerTests {
    private static func server(
        _ files: TLSServerConfiguration.CertificateFiles? = nil,
        _ options: [String] = []
    ) async throws -> ForeignServer {
        let files = try files ?? TLSFixtures.files.local
        return try await ForeignServer(
            "openssl",
            ["s_server", "-accept", "127.0.0.1:0", "-cert", files.certificate, "-key", files.key, "-www"] + options)
    }

    private static func context(
        change: (inout TLSClientConfiguration) throws -> Void = { _ in }
    ) throws -> TLSContext {
        var configuration = TLSClientConfiguration(
            trust: .authorities(file: try TLSFixtures.files.authority), applicationProtocols: ["http/1.1"],
            keyLogFile: nil)
        try change(&configuration)
        return try TLSContext(client: configuration)
    }

    private static func get(
        _ server: ForeignServer,
        _ context: TLSContext,
        serverName: String = "localhost"
    ) async throws -> TLSConnectionRecord {
        try await TLSLoopbackClient.talk(
            to: server.port, context: context, serverName: serverName, sending: "GET / HTTP/1.0\r\n\r\n")
    }

    @Test(arguments: [(TLSVersion.tls12, "-tls1_2"), (.tls13, "-tls1_3")])
    func answerComesWholeAndTheSecondConnectionResumes(version: TLSVersion, option: String) async throws {
        let server = try await Self.server(nil, [option, "-alpn", "http/1.1"])
        let context = try Self.context()
        for round in 0..<3 {
            let record = try await Self.get(server, context)
            #expect(record.text.hasPrefix("HTTP/1.0 200 ok\r\n"))
            #expect(record.text.hasSuffix("</html>\r\n\r\n") || record.text.contains("</pre>"))
            #expect(record.completed?.version == version)
            #expect(record.completed?.applicationProtocol == "http/1.1")
            #expect(record.completed?.resumed == (round > 0))
            #expect(record.completed?.peerCertificateSubject == "CN=local")
            #expect(record.ends == [.closeNotify])
            #expect(record.errors == [])
        }
        server.stop()
    }

    @Test func serverWithoutOurProtocolRefuses() async throws {
        let server = try await Self.server(nil, ["-alpn", "spdy/3"])
        let record = try await Self.get(server, Self.context())
        #expect(record.errors == [.refusedByPeer(.noApplicationProtocol)])
        server.stop()
    }

    @Test func serverThatIgnoresProtocolsIsTaken() async throws {
        let server = try await Self.server()
        let record = try await Self.get(server, Self.context())
        let completed = try #require(record.completed)
        #expect(completed.applicationProtocol == nil)
        server.stop()
    }

    @Test func wrongNamesAndCertificatesAreRefused() async throws {
        let files = try TLSFixtures.files
        let local = try await Self.server()
        #expect(
            try await Self.get(local, Self.context(), serverName: "wrong.example").errors == [
                .wrongHost(expected: "wrong.example")
            ])
        #expect(try await Self.get(local, Self.context(), serverName: "127.0.0.1").errors == [])
        local.stop()
        let expired = try await Self.server(files.expired)
        #expect(try await Self.get(expired, Self.context()).errors == [.peerCertificateExpired])
        expired.stop()
        let impostor = try await Self.server(files.impostor)
        #expect(try await Self.get(impostor, Self.context()).errors == [.unknownAuthority(selfSigned: false)])
        #expect(try await Self.get(impostor, Self.context { $0.trust = .insecure }).errors == [])
        impostor.stop()
    }

    @Test func clientCertificateIsShownWhenAsked() async throws {
        let files = try TLSFixtures.files
        let server = try await Self.server(
            nil, ["-Verify", "1", "-verify_return_error", "-CAfile", files.authority])
        let known = try await Self.get(server, Self.context { $0.certificate = files.client })
        #expect(known.errors == [])
        #expect(known.text.contains("CN = the edge") || known.text.contains("CN=the edge"))
        let unknown = try await Self.get(server, Self.context())
        #expect(unknown.errors == [.refusedByPeer(.certificateRequired)])
        server.stop()
    }
}
