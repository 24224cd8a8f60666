// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import NIOCore

/// The TLS settings that many connections share: certificates, trust, protocols, ticket keys. Owns an SSL_CTX.
///
/// Creating one reads files and is for start and reload, not for event loops. Nothing changes in it afterwards, so it
/// can be used from all event loops at once; every `TLSHandler` keeps its own alive.
public final class TLSContext: Sendable {
    enum Role: Sendable {
        case server
        case client
    }

    let role: Role
    /// The SSL_CTX.
    let handle: OpenSSLObject
    let certificates: [TLSCertificate]
    let names: ServerNameTable
    /// The certificates for clients that name nothing or an unknown name.
    let fallback: [Int]
    /// The protocols for ALPN, the preferred first.
    let applicationProtocols: [[UInt8]]
    let keyLog: TLSKeyLog?
    /// Sessions to resume; clients only.
    let sessions: TLSSessionCache?
    /// False for clients with `TLSClientConfiguration.Trust.insecure` alone.
    let verifiesServer: Bool
    let handshakeTimeout: TimeAmount
    let allowsHalfClosure: Bool

    /// What the own certificates say, in the order of the configuration.
    public var certificateSummaries: [TLSCertificateSummary] {
        certificates.map(\.summary)
    }

    /// Reads the files of a server's configuration.
    ///
    /// - Parameters:
    ///   - configuration: What to serve.
    ///   - previous: A context that this one replaces: its clients can then resume their sessions here. Sessions do not
    ///     outlive a change of the client authorities.
    public init(server configuration: TLSServerConfiguration, replacing previous: TLSContext? = nil) throws(TLSError) {
        guard !configuration.certificates.isEmpty else {
            throw .configuration(
                "TLS needs a certificate: give a certificate and key file, or ask for a self-signed one")
        }
        role = .server
        handle = try Self.makeHandle(TLS_server_method())
        certificates = try Self.load(configuration.certificates)
        names = ServerNameTable(names: certificates.map(\.summary.names))
        fallback = Self.fallback(among: certificates, names: names)
        applicationProtocols = try Self.checked(protocols: configuration.applicationProtocols)
        keyLog = try configuration.keyLogFile.map { path throws(TLSError) in try TLSKeyLog(path: path) }
        sessions = nil
        verifiesServer = false
        handshakeTimeout = configuration.handshakeTimeout
        allowsHalfClosure = configuration.allowsHalfClosure
        try setVersions(from: configuration.minimumVersion, to: configuration.maximumVersion)
        installSharedSettings()
        try installServer(clientAuthorities: configuration.clientAuthorities)
        if let previous { adoptTicketKeys(of: previous) }
    }

    /// Reads the files of a client's configuration.
    public init(client configuration: TLSClientConfiguration) throws(TLSError) {
        role = .client
        handle = try Self.makeHandle(TLS_client_method())
        certificates = try Self.load(configuration.certificate.map { [$0] } ?? [])
        names = ServerNameTable(names: [])
        fallback = certificates.isEmpty ? [] : [0]
        applicationProtocols = try Self.checked(protocols: configuration.applicationProtocols)
        keyLog = try configuration.keyLogFile.map { path throws(TLSError) in try TLSKeyLog(path: path) }
        sessions = configuration.resumesSessions ? TLSSessionCache() : nil
        verifiesServer = configuration.trust != .insecure
        handshakeTimeout = configuration.handshakeTimeout
        allowsHalfClosure = configuration.allowsHalfClosure
        try setVersions(from: configuration.minimumVersion, to: configuration.maximumVersion)
        installSharedSettings()
        try installClient(trust: configuration.trust)
    }

    private static func makeHandle(_ method: OpaquePointer?) throws(TLSError) -> OpenSSLObject {
        OpenSSLErrorQueue.clear()
        guard let pointer = SSL_CTX_new(method) else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        return OpenSSLObject(pointer) { SSL_CTX_free($0) }
    }

    private static func load(
        _ files: [TLSServerConfiguration.CertificateFiles]
    ) throws(TLSError) -> [TLSCertificate] {
        var loaded: [TLSCertificate] = []
        for files in files {
            loaded.append(try TLSCertificate(files: files))
        }
        return loaded
    }

    /// The first certificate, and those with other kinds of key that hold the first one's name too.
    private static func fallback(among certificates: [TLSCertificate], names: ServerNameTable) -> [Int] {
        var chosen = [0]
        var kinds = [certificates[0].keyKind]
        for index in certificates[0].summary.names.first.map(names.certificates(for:)) ?? []
        where !kinds.contains(certificates[index].keyKind) {
            chosen.append(index)
            kinds.append(certificates[index].keyKind)
        }
        return chosen
    }

    /// RFC 7301 section 3.1: a protocol's name has 1 to 255 octets, the list of them 65,535 at most.
    private static func checked(protocols: [String]) throws(TLSError) -> [[UInt8]] {
        let names = protocols.map { Array($0.utf8) }
        guard names.allSatisfy({ (1...255).contains($0.count) }), names.reduce(0, { $0 + $1.count + 1 }) < 65_536 else {
            throw .configuration("a protocol for ALPN has 1 to 255 bytes, such as h2 or http/1.1")
        }
        return names
    }
}
