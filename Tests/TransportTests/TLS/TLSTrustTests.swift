// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct TLSTrustTests {
    @Test(arguments: TLSVersion.allCases)
    func wrongHostIsRefusedByTheClient(version: TLSVersion) throws {
        let pair = try TLSPair(serverName: "wrong.example", server: { $0.maximumVersion = version })
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.errors == [.wrongHost(expected: "wrong.example")])
        #expect(pair.client.recorder.completed == nil)
        #expect(pair.server.recorder.errors == [.refusedByPeer(.badCertificate)])
    }

    @Test func wrongAddressIsRefusedByTheClient() throws {
        let pair = try TLSPair(serverName: "127.0.0.2")
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.errors == [.wrongHost(expected: "127.0.0.2")])
    }

    @Test func expiredCertificateIsRefusedByTheClient() throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(server: { $0.certificates = [files.expired] })
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.errors == [.peerCertificateExpired])
        #expect(pair.server.recorder.errors == [.refusedByPeer(.certificateExpired)])
    }

    @Test func unknownAuthorityIsRefusedByTheClient() throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(server: { $0.certificates = [files.impostor] })
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.errors == [.unknownAuthority(selfSigned: false)])
        #expect(pair.server.recorder.errors == [.refusedByPeer(.unknownAuthority)])
    }

    @Test func selfSignedCertificateIsToldApart() throws {
        let files = try TLSFixtures.files
        let development = try SelfSignedCertificate(
            directory: TLSFixtures.temporaryDirectory(), now: .now)
        let pair = try TLSPair(server: { $0.certificates = [development.files] })
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.errors == [.unknownAuthority(selfSigned: true)])
        // And with it as authority the client is content.
        let trusting = try TLSPair(
            server: { $0.certificates = [development.files] },
            client: { $0.trust = .authorities(file: development.files.certificate) })
        try trusting.connectAndShakeHands()
        #expect(trusting.client.recorder.completed != nil)
        #expect(files.authority != development.files.certificate)
    }

    @Test func systemStoreDoesNotTrustTheTestsAuthority() throws {
        let pair = try TLSPair(client: { $0.trust = .system })
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.errors == [.unknownAuthority(selfSigned: false)])
    }

    @Test func insecureClientTakesEveryCertificate() throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(
            serverName: "wrong.example",
            server: { $0.certificates = [files.expired] },
            client: { $0.trust = .insecure })
        try pair.connectAndShakeHands()
        #expect(pair.client.recorder.completed != nil)
    }

    @Test(arguments: [nil, "", "a\0b", "bad host"])
    func clientWithoutUsableNameIsRefusedAtOnce(name: String?) throws {
        let files = try TLSFixtures.files
        let context = try TLSContext(client: .init(trust: .authorities(file: files.authority), keyLogFile: nil))
        if name == "bad host" {
            // Not ours to judge: no certificate can hold it.
            _ = try TLSHandler(client: context, serverName: name)
        } else {
            #expect(throws: TLSError.self) { try TLSHandler(client: context, serverName: name) }
        }
    }

    // Mutual TLS

    @Test(arguments: TLSVersion.allCases)
    func clientCertificateOfTheAuthorityGetsIn(version: TLSVersion) throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(
            server: {
                $0.clientAuthorities = files.authority
                $0.maximumVersion = version
            },
            client: { $0.certificate = files.client })
        try pair.connectAndShakeHands()
        #expect(try #require(pair.server.recorder.completed).peerCertificateSubject == "CN=the edge,O=Example")
    }

    @Test(arguments: TLSVersion.allCases)
    func clientWithoutCertificateIsRefused(version: TLSVersion) throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(server: {
            $0.clientAuthorities = files.authority
            $0.maximumVersion = version
        })
        try pair.connectAndShakeHands()
        #expect(pair.server.recorder.completed == nil)
        #expect(pair.server.recorder.errors == [.clientCertificateMissing])
        let alert: TLSAlert = version == .tls13 ? .certificateRequired : .handshakeFailure
        #expect(pair.client.recorder.errors == [.refusedByPeer(alert)])
    }

    @Test(arguments: TLSVersion.allCases)
    func clientCertificateOfAStrangerIsRefused(version: TLSVersion) throws {
        let files = try TLSFixtures.files
        let pair = try TLSPair(
            server: {
                $0.clientAuthorities = files.authority
                $0.maximumVersion = version
            },
            client: { $0.certificate = files.impostor })
        try pair.connectAndShakeHands()
        #expect(pair.server.recorder.completed == nil)
        #expect(pair.server.recorder.errors == [.unknownAuthority(selfSigned: false)])
        #expect(pair.client.recorder.errors == [.refusedByPeer(.unknownAuthority)])
    }

    @Test func versionsWithoutOverlapAreRefused() throws {
        let pair = try TLSPair(
            server: { $0.minimumVersion = .tls13 },
            client: { $0.maximumVersion = .tls12 })
        try pair.connectAndShakeHands()
        #expect(pair.server.recorder.errors == [.noCommonVersion])
        #expect(pair.client.recorder.errors == [.refusedByPeer(.protocolVersion)])
    }
}
