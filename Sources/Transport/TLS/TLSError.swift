// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What can go wrong with TLS, each case with a message that says what to do.
///
/// The first group comes from loading files, before any connection; the second from handshakes; the third from open
/// connections. A peer that ends without `close_notify` is no error but evidence: see `TLSPeerEnded`.
public enum TLSError: Error, Sendable, Equatable {
    // Configuration

    /// A file cannot be opened or read; `reason` is the system's.
    case fileUnreadable(path: String, reason: String)
    /// The file was read, and no PEM block of the kind that is needed is in it.
    case nothingInFile(path: String, wanted: String)
    /// The private key is protected by a passphrase, which a server that starts unattended cannot ask for.
    case keyEncrypted(path: String)
    /// The private key does not belong to the first certificate of the file.
    case keyMismatch(certificate: String, key: String)
    /// OpenSSL refuses the certificate or key, for instance because the system's policy finds the key too short.
    case certificateRefused(path: String, reason: String)
    /// A server without any certificate, or another configuration that cannot work.
    case configuration(String)
    /// A file or directory cannot be written.
    case fileUnwritable(path: String, reason: String)

    // Handshake

    /// The peer speaks plain HTTP to a TLS port.
    case plainHTTPRequest
    /// The peer's first bytes are no TLS record.
    case notTLS
    /// No TLS version in common: at the server the peer offered only older ones, at the client the server chose one.
    case noCommonVersion
    /// No cipher suite, group or signature algorithm in common.
    case noCommonCipher
    /// The client offered protocols by ALPN, and none is ours; RFC 7301 section 3.2.
    case noCommonProtocol
    /// Client certificates are required, and the client sent none.
    case clientCertificateMissing
    /// The peer's certificate is not issued by an authority we trust. `selfSigned`: it vouches for itself.
    case unknownAuthority(selfSigned: Bool)
    /// The peer's certificate is past its end.
    case peerCertificateExpired
    /// The peer's certificate is not yet valid.
    case peerCertificateNotYetValid
    /// The peer's certificate is for other names.
    case wrongHost(expected: String)
    /// The peer's certificate fails for another reason, in OpenSSL's words.
    case peerCertificateRejected(String)
    /// The peer ended with an alert, in the handshake or later.
    case refusedByPeer(TLSAlert)
    /// The handshake was not complete in the time allowed.
    case handshakeTimedOut(seconds: Double)
    /// The connection ended in the middle of the handshake.
    case closedDuringHandshake
    /// More was written before the end of the handshake than `TLSHandler.heldBytesLimit` allows to keep.
    case tooMuchBeforeHandshake

    // Open connection

    /// Bytes arrived that RFC 8446 forbids: altered, forged or from a broken peer. `reason` is OpenSSL's.
    case protocolViolation(String)
    /// The peer makes us answer protocol messages, and does not read the answers.
    case controlFlood
    /// OpenSSL failed for a reason of its own, such as memory.
    case library(String)
}

extension TLSError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .fileUnreadable(let path, let reason):
            "cannot read \(path): \(reason); check the path and the permissions of the user Headwater runs as"
        case .nothingInFile(let path, let wanted):
            "no \(wanted) in \(path): it must hold PEM text with a block -----BEGIN …-----"
        case .keyEncrypted(let path):
            "the private key in \(path) has a passphrase: decrypt it (openssl pkey -in KEY -out NEW) and "
                + "protect the file"
        case .keyMismatch(let certificate, let key):
            "the private key in \(key) does not match the first certificate in \(certificate): "
                + "take the pair of one renewal, with the server's own certificate before its chain"
        case .certificateRefused(let path, let reason):
            "OpenSSL refuses \(path): \(reason); compare the key's size with the system's security level"
        case .configuration(let problem):
            problem
        case .fileUnwritable(let path, let reason):
            "cannot write \(path): \(reason); choose a directory that the user Headwater runs as may write"
        case .plainHTTPRequest:
            "plain HTTP on the TLS port: use https://, or send plain HTTP to the port without TLS"
        case .notTLS:
            "the peer does not speak TLS here: check scheme and port on both sides, and whether it sends a PROXY header"
        case .noCommonVersion:
            "no TLS version in common: allow TLS 1.2 or newer at the peer"
        case .noCommonCipher:
            "no cipher, group or signature algorithm in common: compare the peer's list with `openssl ciphers -v`, "
                + "and the certificate's kind of key (RSA or EC)"
        case .noCommonProtocol:
            "none of the protocols that the client offers by ALPN is served here: offer h2 or http/1.1"
        case .clientCertificateMissing:
            "the client sent no certificate, and this port requires one: configure a client certificate at the peer"
        case .unknownAuthority(selfSigned: true):
            "the peer's certificate is self-signed and not trusted: add it to the authorities file if it is "
                + "the right one"
        case .unknownAuthority(selfSigned: false):
            "the peer's certificate comes from an authority that is not trusted: "
                + "add the authority to the trust store or file, or let the peer send its whole chain"
        case .peerCertificateExpired:
            "the peer's certificate has expired: renew it there, and compare the clocks"
        case .peerCertificateNotYetValid:
            "the peer's certificate is not valid yet: compare the clocks"
        case .wrongHost(let expected):
            "the peer's certificate is not for \(expected): use a name that it holds, or correct the address"
        case .peerCertificateRejected(let reason):
            "the peer's certificate is not accepted: \(reason)"
        case .refusedByPeer(let alert):
            "the peer refused with \(alert): \(alert.advice)"
        case .handshakeTimedOut(let seconds):
            "no complete TLS handshake within \(seconds) s: the peer is slow, silent, or not a TLS client"
        case .closedDuringHandshake:
            "the peer closed the connection during the TLS handshake: "
                + "it may be a port check, or a client that distrusts the certificate and does not say so"
        case .tooMuchBeforeHandshake:
            "too many bytes written before the TLS handshake was complete: wait for TLSHandshakeCompleted"
        case .protocolViolation(let reason):
            "the peer's TLS bytes are invalid (\(reason)): it is broken, or something on the path alters bytes"
        case .controlFlood:
            "the peer asks for TLS answers and does not read them: closed for its abuse"
        case .library(let reason):
            "OpenSSL failed: \(reason)"
        }
    }
}
