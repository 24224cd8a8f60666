// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct TLSResumptionTests {
    private static func contexts(
        version: TLSVersion,
        change: (inout TLSServerConfiguration) throws -> Void = { _ in }
    ) throws -> (server: TLSContext, client: TLSContext) {
        let files = try TLSFixtures.files
        var server = TLSServerConfiguration(
            certificates: [files.local, files.named], maximumVersion: version, keyLogFile: nil)
        try change(&server)
        let client = TLSClientConfiguration(
            trust: .authorities(file: files.authority), certificate: files.client, keyLogFile: nil)
        return (try TLSContext(server: server), try TLSContext(client: client))
    }

    private static func resumed(_ server: TLSContext, _ client: TLSContext, name: String = "localhost") throws -> Bool {
        let pair = try TLSPair(server: server, client: client, serverName: name)
        try pair.connectAndShakeHands()
        let atServer = try #require(pair.server.recorder.completed)
        let atClient = try #require(pair.client.recorder.completed)
        #expect(atServer.resumed == atClient.resumed)
        #expect(atClient.applicationProtocol == "h2")
        return atServer.resumed
    }

    @Test(arguments: TLSVersion.allCases)
    func secondAndLaterConnectionsResume(version: TLSVersion) throws {
        let (server, client) = try Self.contexts(version: version)
        #expect(try Self.resumed(server, client) == false)
        for _ in 0..<5 {
            #expect(try Self.resumed(server, client) == true)
        }
    }

    @Test func sessionIsOfferedToItsOwnNameAlone() throws {
        let (server, client) = try Self.contexts(version: .tls13)
        #expect(try Self.resumed(server, client) == false)
        #expect(try Self.resumed(server, client, name: "named.example") == false)
        #expect(try Self.resumed(server, client, name: "named.example") == true)
        #expect(try Self.resumed(server, client) == true)
    }

    @Test func clientMayDoWithout() throws {
        let files = try TLSFixtures.files
        let (server, _) = try Self.contexts(version: .tls13)
        let client = try TLSContext(
            client: .init(trust: .authorities(file: files.authority), resumesSessions: false, keyLogFile: nil))
        #expect(try Self.resumed(server, client) == false)
        #expect(try Self.resumed(server, client) == false)
    }

    @Test(arguments: TLSVersion.allCases)
    func sessionOutlivesAReload(version: TLSVersion) throws {
        let files = try TLSFixtures.files
        let (first, client) = try Self.contexts(version: version)
        let configuration = TLSServerConfiguration(
            certificates: [files.other], maximumVersion: version, keyLogFile: nil)
        #expect(try Self.resumed(first, client) == false)
        let second = try TLSContext(server: configuration, replacing: first)
        #expect(try Self.resumed(second, client) == true)
        // The proof that this is due to the keys taken over: a context on its own resumes nothing.
        let third = try TLSContext(server: configuration)
        #expect(try Self.resumed(third, client) == false)
    }

    @Test(arguments: TLSVersion.allCases)
    func sessionDoesNotOutliveAChangeOfTheClientAuthorities(version: TLSVersion) throws {
        let files = try TLSFixtures.files
        let (first, client) = try Self.contexts(version: version)
        #expect(try Self.resumed(first, client) == false)
        // Without this, a client that got in before authorities were required would stay in.
        var configuration = TLSServerConfiguration(
            certificates: [files.local], maximumVersion: version, keyLogFile: nil)
        configuration.clientAuthorities = files.authority
        let second = try TLSContext(server: configuration, replacing: first)
        let pair = try TLSPair(server: second, client: client)
        try pair.connectAndShakeHands()
        #expect(pair.server.recorder.completed?.resumed != true)
    }

    @Test func mutualTLSResumesWithTheClientsSubject() throws {
        let files = try TLSFixtures.files
        let (server, client) = try Self.contexts(version: .tls13) { $0.clientAuthorities = files.authority }
        #expect(try Self.resumed(server, client) == false)
        let pair = try TLSPair(server: server, client: client)
        try pair.connectAndShakeHands()
        let completed = try #require(pair.server.recorder.completed)
        #expect(completed.resumed)
        #expect(completed.peerCertificateSubject == "CN=the edge,O=Example")
    }

    @Test func cacheIsBounded() {
        let cache = TLSSessionCache()
        for index in 0..<(TLSSessionCache.namesLimit + 10) {
            for ticket in 0..<5 { cache.store([UInt8(ticket)], for: "host\(index)") }
        }
        #expect(cache.take(for: "host0") == nil)
        #expect(cache.take(for: "host9") == nil)
        #expect(cache.take(for: "host10") == [4])
        #expect(cache.take(for: "host10") == [3])
        #expect(cache.take(for: "host10") == nil)
    }
}
