// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// How a client does TLS. Turned into a `TLSContext` once, which also remembers sessions for quick reconnects.
public struct TLSClientConfiguration: Sendable {
    /// Which servers are believed.
    public enum Trust: Sendable, Hashable {
        /// The system's trust store; SSL_CERT_FILE and SSL_CERT_DIR in the environment move it.
        case system
        /// Only the authorities in this PEM file.
        case authorities(file: String)
        /// Everyone, without a look at certificate or name. Anyone on the path can read and alter the traffic: for
        /// measurements against development servers only.
        case insecure
    }

    public var trust: Trust
    /// The protocols offered by ALPN, the preferred first. None: the extension is not sent.
    public var applicationProtocols: [String]
    /// The certificate to show when the server asks for one.
    public var certificate: TLSServerConfiguration.CertificateFiles?
    /// The oldest version accepted.
    public var minimumVersion: TLSVersion
    /// The newest version offered.
    public var maximumVersion: TLSVersion
    /// From the connect to the end of the handshake. A connection that takes longer is closed.
    public var handshakeTimeout: TimeAmount
    /// See `TLSServerConfiguration.allowsHalfClosure`.
    public var allowsHalfClosure: Bool
    /// Whether a reconnect offers the last session to the server, which saves a round trip in TLS 1.2, and certificate
    /// and signature in both versions.
    public var resumesSessions: Bool
    /// See `TLSServerConfiguration.keyLogFile`.
    public var keyLogFile: String?

    public init(
        trust: Trust = .system,
        applicationProtocols: [String] = ["h2", "http/1.1"],
        certificate: TLSServerConfiguration.CertificateFiles? = nil,
        minimumVersion: TLSVersion = .tls12,
        maximumVersion: TLSVersion = .tls13,
        handshakeTimeout: TimeAmount = .seconds(10),
        allowsHalfClosure: Bool = false,
        resumesSessions: Bool = true,
        keyLogFile: String? = TLSKeyLog.environmentPath
    ) {
        self.trust = trust
        self.applicationProtocols = applicationProtocols
        self.certificate = certificate
        self.minimumVersion = minimumVersion
        self.maximumVersion = maximumVersion
        self.handshakeTimeout = handshakeTimeout
        self.allowsHalfClosure = allowsHalfClosure
        self.resumesSessions = resumesSessions
        self.keyLogFile = keyLogFile
    }
}
