// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

extension TLSError {
    /// Reads a failed handshake or a failed read off OpenSSL's queue.
    ///
    /// - Parameters:
    ///   - queue: What OpenSSL raised for this call.
    ///   - verification: `SSL_get_verify_result` of the connection: why the peer's certificate was not accepted.
    ///   - serverName: The name that was to be verified; for the message.
    ///   - opening: What the peer's first bytes look like, to tell a plain-text protocol from broken TLS.
    init(queue: OpenSSLErrorQueue, verification: Int, serverName: String?, opening: TLSOpening.Kind) {
        guard let first = queue.entries.first(where: { $0.library == ERR_LIB_SSL }) ?? queue.entries.first else {
            self = .library("no reason given")
            return
        }
        guard first.library == ERR_LIB_SSL else {
            // The record layer's checks live in libcrypto for some ciphers; a bare crypto error is still the peer's
            // bytes.
            self = first.isInternal ? .library(first.text) : .protocolViolation(first.text)
            return
        }
        if first.isInternal {
            self = .library(first.text)
            return
        }
        // "To TLS alert N" is reported as reason 1000 + N: SSL_AD_REASON_OFFSET.
        if let alert = UInt8(exactly: first.reason - SSL_AD_REASON_OFFSET) {
            self = .refusedByPeer(TLSAlert(rawValue: alert))
            return
        }
        switch first.reason {
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            self = Self.rejected(verification: verification, serverName: serverName)
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            // OpenSSL knows some methods by itself.
            self = .plainHTTPRequest
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_UNKNOWN_PROTOCOL,
            SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_UNEXPECTED_MESSAGE:
            // The record header's version is also "wrong" for every plain-text protocol.
            switch opening {
            case .tls: self = .protocolViolation(first.text)
            case .http: self = .plainHTTPRequest
            case .other: self = .notTLS
            }
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE,
            SSL_R_INAPPROPRIATE_FALLBACK:
            self = .noCommonVersion
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SUITABLE_KEY_SHARE,
            SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SHARED_GROUPS:
            self = .noCommonCipher
        case SSL_R_NO_APPLICATION_PROTOCOL:
            self = .noCommonProtocol
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            self = .clientCertificateMissing
        default:
            self = .protocolViolation(first.text)
        }
    }

    private static func rejected(verification: Int, serverName: String?) -> Self {
        switch Int32(truncatingIfNeeded: verification) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            .peerCertificateExpired
        case X509_V_ERR_CERT_NOT_YET_VALID:
            .peerCertificateNotYetValid
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            .wrongHost(expected: serverName ?? "this host")
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            .unknownAuthority(selfSigned: true)
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            .unknownAuthority(selfSigned: false)
        default:
            .peerCertificateRejected(String(cString: X509_verify_cert_error_string(verification)))
        }
    }
}
