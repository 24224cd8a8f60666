// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// How a server does TLS. Turned into a `TLSContext` once; changing it later changes nothing.
public struct TLSServerConfiguration: Sendable {
    /// A certificate with its chain and key, as PEM files.
    public struct CertificateFiles: Sendable, Hashable {
        /// The server's own certificate first, then the intermediate ones in order.
        public var certificate: String
        /// The private key without a passphrase. May be the same file as the certificate.
        public var key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// The certificates. The client's server name (SNI) chooses by the subject alternative names, wildcards included;
    /// the first serves clients that name nothing or an unknown name. Two for one name with different kinds of key
    /// (RSA and EC) are both offered.
    public var certificates: [CertificateFiles]
    /// The protocols for ALPN, the preferred first: the server's order decides. A client that offers none of them is
    /// refused with `no_application_protocol` (RFC 7301 section 3.2); one without ALPN is accepted.
    public var applicationProtocols: [String]
    /// A PEM file of authorities. When given, only clients with a certificate from one of them get in.
    public var clientAuthorities: String?
    /// The oldest version accepted.
    public var minimumVersion: TLSVersion
    /// The newest version offered.
    public var maximumVersion: TLSVersion
    /// From the accept to the end of the handshake. A connection that takes longer is closed.
    public var handshakeTimeout: TimeAmount
    /// What becomes of a connection after the peer's `close_notify`: with false it is closed, as TLS 1.2 demands and
    /// every HTTP client expects; with true `ChannelEvent.inputClosed` is fired and writing goes on (TLS 1.3 allows
    /// it).
    public var allowsHalfClosure: Bool
    /// A file that gets every connection's secrets in NSS key log format, for Wireshark. By default what the
    /// environment says in SSLKEYLOGFILE. Whoever reads the file reads the traffic.
    public var keyLogFile: String?

    public init(
        certificates: [CertificateFiles],
        applicationProtocols: [String] = ["h2", "http/1.1"],
        clientAuthorities: String? = nil,
        minimumVersion: TLSVersion = .tls12,
        maximumVersion: TLSVersion = .tls13,
        handshakeTimeout: TimeAmount = .seconds(10),
        allowsHalfClosure: Bool = false,
        keyLogFile: String? = TLSKeyLog.environmentPath
    ) {
        self.certificates = certificates
        self.applicationProtocols = applicationProtocols
        self.clientAuthorities = clientAuthorities
        self.minimumVersion = minimumVersion
        self.maximumVersion = maximumVersion
        self.handshakeTimeout = handshakeTimeout
        self.allowsHalfClosure = allowsHalfClosure
        self.keyLogFile = keyLogFile
    }
}
