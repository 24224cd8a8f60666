// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

// What is set on an SSL_CTX while it is being made, before any other thread knows of it.
extension TLSContext {
    var pointer: OpaquePointer { handle.pointer }

    func setVersions(from oldest: TLSVersion, to newest: TLSVersion) throws(TLSError) {
        guard oldest <= newest,
            copenssl_ctx_set_min_version(pointer, oldest.wireNumber) == 1,
            copenssl_ctx_set_max_version(pointer, newest.wireNumber) == 1
        else {
            throw .configuration(
                "the TLS versions from \(oldest) to \(newest) cannot be had: give a range with 1.2 or 1.3")
        }
    }

    func installSharedSettings() {
        // The context is reachable from OpenSSL's callbacks, unretained: every connection keeps it alive, see
        // TLSConnection.
        SSL_CTX_set_ex_data(pointer, 0, Unmanaged.passUnretained(self).toOpaque())
        // RFC 9113 section 9.2.1 forbids renegotiation and compression; neither is worth having with HTTP/1.1.
        SSL_CTX_set_options(pointer, copenssl_op_no_renegotiation | copenssl_op_no_compression)
        // An idle connection gives back its two record buffers of 16 KiB. The own chain is what the file holds, and is
        // not completed from the trust store, or the same file would be served differently on different machines.
        copenssl_ctx_set_mode(
            pointer,
            Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ENABLE_PARTIAL_WRITE)
                | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER) | Int(SSL_MODE_NO_AUTO_CHAIN)
        )
        if keyLog != nil {
            SSL_CTX_set_keylog_callback(pointer, Self.keyLogCallback)
        }
    }

    func installServer(clientAuthorities: String?) throws(TLSError) {
        for index in fallback.reversed() {
            try certificates[index].install(inContext: pointer)
        }
        try rehearseCertificates()
        copenssl_ctx_set_servername_callback(pointer, Self.serverNameCallback)
        SSL_CTX_set_cert_cb(pointer, Self.certificateCallback, nil)
        if !applicationProtocols.isEmpty {
            SSL_CTX_set_alpn_select_cb(pointer, Self.protocolCallback, nil)
        }
        // Sessions live in tickets at the clients alone: a cache here would be memory per client that ever connected.
        copenssl_ctx_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        var purpose = Array("headwater".utf8)
        if let clientAuthorities {
            let file = try PEMFile(path: clientAuthorities)
            for authority in try file.certificates() {
                X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), authority.pointer)
                SSL_CTX_add_client_CA(pointer, authority.pointer)
            }
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
            purpose += file.bytes
        }
        try setSessionContext(for: purpose)
        OpenSSLErrorQueue.clear()
    }

    func installClient(trust: TLSClientConfiguration.Trust) throws(TLSError) {
        if !certificates.isEmpty {
            try certificates[0].install(inContext: pointer)
        }
        switch trust {
        case .system:
            SSL_CTX_set_default_verify_paths(pointer)
        case .authorities(let path):
            for authority in try PEMFile(path: path).certificates() {
                X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), authority.pointer)
            }
        case .insecure:
            break
        }
        SSL_CTX_set_verify(pointer, trust == .insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nil)
        if !applicationProtocols.isEmpty {
            let list = applicationProtocols.flatMap { [UInt8($0.count)] + $0 }
            // Other than its neighbours, this function returns 0 for success.
            guard SSL_CTX_set_alpn_protos(pointer, list, UInt32(list.count)) == 0 else {
                throw .library(OpenSSLErrorQueue.take().text)
            }
        }
        if sessions != nil {
            copenssl_ctx_set_session_cache_mode(
                pointer, Int(SSL_SESS_CACHE_CLIENT) | Int(SSL_SESS_CACHE_NO_INTERNAL))
            SSL_CTX_sess_set_new_cb(pointer, Self.sessionCallback)
        } else {
            copenssl_ctx_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        }
        OpenSSLErrorQueue.clear()
    }

    /// Takes over the keys that seal session tickets, so that a reload costs its clients no full handshake.
    func adoptTicketKeys(of previous: TLSContext) {
        let length = copenssl_ctx_ticket_key_length(pointer)
        guard length > 0, length == copenssl_ctx_ticket_key_length(previous.pointer) else { return }
        withUnsafeTemporaryAllocation(byteCount: length, alignment: 1) { keys in
            if copenssl_ctx_get_ticket_keys(previous.pointer, keys.baseAddress, length) == 1 {
                copenssl_ctx_set_ticket_keys(pointer, keys.baseAddress, length)
            }
            OPENSSL_cleanse(keys.baseAddress, length)
        }
    }

    /// Tries every certificate on a connection that is never used: one that OpenSSL's policy refuses must stop the
    /// start or the reload, not the handshakes of the clients that ask for it.
    private func rehearseCertificates() throws(TLSError) {
        guard let rehearsal = SSL_new(pointer) else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        defer { SSL_free(rehearsal) }
        for certificate in certificates {
            try certificate.install(inConnection: rehearsal)
        }
    }

    /// A session made under one set of client authorities must not be resumed under another: OpenSSL compares this
    /// context, which therefore depends on them.
    private func setSessionContext(for purpose: [UInt8]) throws(TLSError) {
        var digest = [UInt8](repeating: 0, count: Int(SSL_MAX_SID_CTX_LENGTH))
        var length = UInt32(digest.count)
        guard EVP_Digest(purpose, purpose.count, &digest, &length, EVP_sha256(), nil) == 1,
            SSL_CTX_set_session_id_context(pointer, digest, length) == 1
        else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
    }
}
