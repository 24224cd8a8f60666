// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import NIOCore

/// Makes a key and a certificate signed with it, as PEM text.
struct SelfSignedIssue {
    let certificate: [UInt8]
    let key: [UInt8]

    /// - Parameters:
    ///   - names: DNS names and IP addresses, checked to be free of OpenSSL's extension syntax.
    ///   - now: Seconds since 1970.
    init(names: [String], now: Int64, days: Int64) throws(TLSError) {
        OpenSSLErrorQueue.clear()
        guard let pair = copenssl_generate_p256(), let blank = X509_new() else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        let key = OpenSSLObject(pair) { EVP_PKEY_free($0) }
        let certificate = OpenSSLObject(blank) { X509_free($0) }
        // X.509 version 3 is number 2. The start lies an hour back for clients whose clocks are behind.
        guard X509_set_version(blank, 2) == 1,
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(blank), .random(in: 1...UInt64(Int64.max))) == 1,
            ASN1_TIME_set(X509_getm_notBefore(blank), time_t(now - 3600)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(blank), time_t(now + days * 86_400)) != nil,
            X509_NAME_add_entry_by_txt(
                X509_get_subject_name(blank), "CN", MBSTRING_UTF8, "Headwater development", -1, -1, 0) == 1,
            X509_set_issuer_name(blank, X509_get_subject_name(blank)) == 1,
            X509_set_pubkey(blank, pair) == 1
        else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        let alternatives = names.map { name in
            (try? SocketAddress(ipAddress: name, port: 0)) == nil ? "DNS:\(name)" : "IP:\(name)"
        }
        // Not an authority: whoever gets the key can pose as these names, but not issue for others.
        try Self.add(NID_basic_constraints, "critical,CA:FALSE", to: blank)
        try Self.add(NID_key_usage, "critical,digitalSignature", to: blank)
        try Self.add(NID_ext_key_usage, "serverAuth", to: blank)
        try Self.add(NID_subject_alt_name, alternatives.joined(separator: ","), to: blank)
        guard X509_sign(blank, pair, EVP_sha256()) > 0 else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        let certificateText = try MemoryBIO()
        let keyText = try MemoryBIO()
        guard PEM_write_bio_X509(certificateText.pointer, certificate.pointer) == 1,
            PEM_write_bio_PrivateKey(keyText.pointer, key.pointer, nil, nil, 0, nil, nil) == 1
        else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        self.certificate = certificateText.takeBytes()
        self.key = keyText.takeBytes()
    }

    private static func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer) throws(TLSError) {
        guard let built = X509V3_EXT_conf_nid(nil, nil, kind, value) else {
            throw .configuration("OpenSSL does not take \(value) into a certificate: \(OpenSSLErrorQueue.take().text)")
        }
        defer { X509_EXTENSION_free(built) }
        guard X509_add_ext(certificate, built, -1) == 1 else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
    }
}
