// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

/// A certificate with its chain and private key, checked to belong together.
final class TLSCertificate: Sendable {
    let summary: TLSCertificateSummary
    private let certificate: OpenSSLObject
    private let key: OpenSSLObject
    /// A stack of X509; may be empty.
    private let chain: OpenSSLObject
    private let path: String

    init(files: TLSServerConfiguration.CertificateFiles) throws(TLSError) {
        let file = try PEMFile(path: files.certificate)
        let certificates = try file.certificates()
        let keyFile = files.key == files.certificate ? file : try PEMFile(path: files.key)
        key = try keyFile.privateKey()
        certificate = certificates[0]
        path = files.certificate
        guard X509_check_private_key(certificate.pointer, key.pointer) == 1 else {
            OpenSSLErrorQueue.clear()
            throw .keyMismatch(certificate: files.certificate, key: files.key)
        }
        guard let stack = copenssl_chain_new() else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        chain = OpenSSLObject(stack) { copenssl_chain_free($0) }
        for intermediate in certificates.dropFirst() {
            // The stack takes a reference of its own, so that it can be freed with what is in it.
            X509_up_ref(intermediate.pointer)
            guard copenssl_chain_push(stack, intermediate.pointer) > 0 else {
                X509_free(intermediate.pointer)
                throw .library(OpenSSLErrorQueue.take().text)
            }
        }
        summary = TLSCertificateSummary(certificate: certificate.pointer)
    }

    /// Makes it a certificate of a whole context: an SSL_CTX.
    func install(inContext context: OpaquePointer) throws(TLSError) {
        OpenSSLErrorQueue.clear()
        guard SSL_CTX_use_cert_and_key(context, certificate.pointer, key.pointer, chain.pointer, 1) == 1 else {
            throw .certificateRefused(path: path, reason: OpenSSLErrorQueue.take().text)
        }
    }

    /// Makes it a certificate of one connection: an SSL.
    func install(inConnection connection: OpaquePointer) throws(TLSError) {
        OpenSSLErrorQueue.clear()
        guard SSL_use_cert_and_key(connection, certificate.pointer, key.pointer, chain.pointer, 1) == 1 else {
            throw .certificateRefused(path: path, reason: OpenSSLErrorQueue.take().text)
        }
    }

    /// The kind of key as OpenSSL numbers it (EVP_PKEY_RSA, EVP_PKEY_EC, …): one of each can serve one name.
    var keyKind: Int32 {
        EVP_PKEY_get_base_id(key.pointer)
    }
}
