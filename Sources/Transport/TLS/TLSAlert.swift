// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// An alert, RFC 8446 section 6: what one side says before it gives up.
public struct TLSAlert: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let handshakeFailure = Self(rawValue: 40)
    public static let badCertificate = Self(rawValue: 42)
    public static let unsupportedCertificate = Self(rawValue: 43)
    public static let certificateRevoked = Self(rawValue: 44)
    public static let certificateExpired = Self(rawValue: 45)
    public static let certificateUnknown = Self(rawValue: 46)
    public static let unknownAuthority = Self(rawValue: 48)
    public static let accessDenied = Self(rawValue: 49)
    public static let decodeError = Self(rawValue: 50)
    public static let decryptError = Self(rawValue: 51)
    public static let protocolVersion = Self(rawValue: 70)
    public static let insufficientSecurity = Self(rawValue: 71)
    public static let internalError = Self(rawValue: 80)
    public static let noRenegotiation = Self(rawValue: 100)
    public static let unrecognizedName = Self(rawValue: 112)
    public static let certificateRequired = Self(rawValue: 116)
    public static let noApplicationProtocol = Self(rawValue: 120)

    /// The name in the registry, `alert N` for the rest.
    public var description: String {
        Self.words[self]?.name ?? "alert \(rawValue)"
    }

    /// What the reader of a log can do about an alert that the peer sent.
    var advice: String {
        Self.words[self]?.advice ?? "look at the peer's own log"
    }

    private static let words: [Self: (name: String, advice: String)] = [
        .handshakeFailure: ("handshake_failure", "the peer found no common parameters; compare versions and ciphers"),
        .badCertificate: ("bad_certificate", "the peer could not use our certificate; check the chain in the file"),
        .unsupportedCertificate: ("unsupported_certificate", "the peer does not take this kind of certificate"),
        .certificateRevoked: ("certificate_revoked", "renew the certificate"),
        .certificateExpired: ("certificate_expired", "renew the certificate, and compare the clocks"),
        .certificateUnknown: (
            "certificate_unknown", "the peer does not trust our certificate; install its authority there"
        ),
        .unknownAuthority: ("unknown_ca", "install the certificate's authority at the peer, or send the whole chain"),
        .accessDenied: ("access_denied", "the certificate is valid but not allowed at the peer"),
        .decodeError: ("decode_error", "the peer could not parse a message; something on the path alters bytes"),
        .decryptError: ("decrypt_error", "the peer could not check a signature; something on the path alters bytes"),
        .protocolVersion: ("protocol_version", "the peer speaks no version of ours; allow TLS 1.2 or newer there"),
        .insufficientSecurity: ("insufficient_security", "the peer wants stronger ciphers or keys"),
        .internalError: ("internal_error", "the peer has a problem of its own; look at its log"),
        .noRenegotiation: ("no_renegotiation", "the peer does not renegotiate"),
        .unrecognizedName: ("unrecognized_name", "the peer has no certificate for this server name"),
        .certificateRequired: ("certificate_required", "configure a client certificate that the peer accepts"),
        .noApplicationProtocol: ("no_application_protocol", "offer a protocol by ALPN that the peer has"),
    ]
}
