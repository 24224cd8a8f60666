// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL
import NIOCore

/// One TLS connection without a socket: ciphertext goes in and comes out through memory. Owns an SSL.
///
/// Not thread-safe: it belongs to the event loop of its channel. It knows nothing of closing order, time or events,
/// which `TLSStateMachine` decides; it must not be asked to encrypt before the handshake is done.
final class TLSConnection {
    enum HandshakeProgress {
        case needsPeer
        case complete
    }

    enum ReadEnd {
        /// All complete records are decrypted.
        case needsPeer
        /// The peer's `close_notify` was read; nothing comes after it.
        case closeNotify
        case failed(TLSError)
    }

    /// The largest plaintext of one record, RFC 8446 section 5.1.
    static let recordLimit = 16_384

    /// A client's peer as named by the caller; nil at servers.
    let serverName: String?
    private let context: TLSContext
    let ssl: OpaquePointer
    private let incoming: MemoryBIO
    /// While it is connected, the gate is open: see ``writeThroughGate(_:)``.
    let outgoing: OutgoingBIO
    /// The session offered to the server, until it is known whether it can serve again.
    private var offeredSession: [UInt8]?
    private var opening = TLSOpening()

    /// - Parameter serverName: For clients, whom to reach and verify: a DNS name or an IP address in text.
    init(context: TLSContext, serverName: String?) throws(TLSError) {
        let incoming = try MemoryBIO()
        let outgoing = try OutgoingBIO()
        OpenSSLErrorQueue.clear()
        guard let ssl = SSL_new(context.pointer) else {
            throw .library(OpenSSLErrorQueue.take().text)
        }
        self.context = context
        self.serverName = serverName
        self.ssl = ssl
        self.incoming = incoming
        self.outgoing = outgoing
        // SSL takes a reference to each; ours stay.
        BIO_up_ref(incoming.pointer)
        BIO_up_ref(outgoing.pointer)
        SSL_set_bio(ssl, incoming.pointer, outgoing.pointer)
        switch context.role {
        case .server:
            SSL_set_accept_state(ssl)
        case .client:
            SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
            SSL_set_connect_state(ssl)
            try setPeer()
        }
    }

    deinit {
        SSL_free(ssl)
    }

    /// Takes ciphertext from the peer.
    func receive(_ bytes: ByteBuffer) throws(TLSError) {
        opening.note(bytes)
        let appended: Result<Void, TLSError> = bytes.withUnsafeReadableBytes { bytes in
            Result { () throws(TLSError) in try incoming.append(bytes) }
        }
        try appended.get()
    }

    /// Goes on with the handshake as far as the bytes at hand allow.
    func handshake() throws(TLSError) -> HandshakeProgress {
        OpenSSLErrorQueue.clear()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            keepOfferedSession()
            return .complete
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
            return .needsPeer
        default:
            throw failure()
        }
    }

    /// Decrypts all complete records into `buffer`. What was decrypted before a failure counts.
    func decrypt(into buffer: inout ByteBuffer) -> ReadEnd {
        while true {
            OpenSSLErrorQueue.clear()
            // Plaintext is shorter than its ciphertext, so that one reservation mostly holds all that comes.
            let space = min(max(incoming.count, Int(SSL_pending(ssl)), 512), Self.recordLimit)
            var count = 0
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: space) { space in
                let result = SSL_read_ex(ssl, space.baseAddress, space.count, &count)
                return result == 1 ? count : 0
            }
            if count > 0 { continue }
            switch SSL_get_error(ssl, 0) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .needsPeer
            case SSL_ERROR_ZERO_RETURN: return .closeNotify
            default: return .failed(failure())
            }
        }
    }

    /// Encrypts all of `plaintext` into records of 16 KiB and a last one, behind what waits in the output.
    func encrypt(_ plaintext: ByteBuffer) throws(TLSError) {
        OpenSSLErrorQueue.clear()
        var plaintext = plaintext
        outgoing.reserve(Self.ciphertextLength(plaintext.readableBytes))
        while plaintext.readableBytes > 0 {
            var count = 0
            let result = plaintext.readWithUnsafeReadableBytes { bytes in
                let result = SSL_write_ex(ssl, bytes.baseAddress, min(bytes.count, Self.recordLimit), &count)
                return (count, result)
            }
            // The BIO never says "later": anything but success is a failure.
            guard result == 1 else { throw failure() }
        }
    }

    /// What a record adds to its plaintext with today's ciphers: 5 bytes of header, 1 of content type or 8 of nonce,
    /// and 16 of tag. CBC ciphers of TLS 1.2 add more, and cost a reallocation.
    private static let recordOverhead = 29

    /// How much ciphertext so much plaintext mostly becomes.
    static func ciphertextLength(_ count: Int) -> Int {
        count + (count + recordLimit - 1) / recordLimit * recordOverhead
    }

    /// Takes the ciphertext that waits for the peer: encrypted writes, handshake messages, alerts, tickets, updates of
    /// keys.
    func takeOutput() -> ByteBuffer {
        outgoing.takeOutput()
    }

    var hasOutput: Bool {
        outgoing.hasOutput
    }

    /// Puts our `close_notify` into the output. Only after the handshake, and not after a failure.
    func sendCloseNotify() {
        OpenSSLErrorQueue.clear()
        SSL_shutdown(ssl)
        OpenSSLErrorQueue.clear()
    }

    /// Frees the buffer for what is read, if it has grown and is empty.
    func releaseIdleCapacity() {
        incoming.releaseIdleCapacity()
    }

    /// What was agreed; only after the handshake.
    func completed() -> TLSHandshakeCompleted {
        var start: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &start, &length)
        let chosen = UnsafeBufferPointer(start: start, count: Int(length))
        return TLSHandshakeCompleted(
            applicationProtocol: chosen.isEmpty ? nil : String(decoding: chosen, as: UTF8.self),
            version: TLSVersion(wireNumber: SSL_version(ssl)) ?? .tls12,
            cipher: String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))),
            serverName: serverName
                ?? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) },
            resumed: SSL_session_reused(ssl) == 1,
            peerCertificateSubject: SSL_get0_peer_certificate(ssl).map(TLSCertificateSummary.subject(of:))
        )
    }

    private func failure() -> TLSError {
        TLSError(
            queue: .take(),
            verification: SSL_get_verify_result(ssl),
            serverName: serverName,
            opening: opening.kind
        )
    }

    /// A TLS 1.2 session can serve again when the server sent no new one; a TLS 1.3 ticket serves once.
    private func keepOfferedSession() {
        if let offeredSession, let serverName, SSL_session_reused(ssl) == 1,
            SSL_version(ssl) == TLSVersion.tls12.wireNumber
        {
            context.sessions?.store(offeredSession, for: serverName)
        }
        offeredSession = nil
    }

    /// Sets the name to send, the name to verify, and a session of the last time.
    private func setPeer() throws(TLSError) {
        guard let serverName, !serverName.isEmpty, !serverName.utf8.contains(0) else {
            guard !context.verifiesServer else {
                throw .configuration("a TLS client needs the server's name or address, to verify its certificate")
            }
            return
        }
        let parameters = SSL_get0_param(ssl)
        var accepted: Int32
        if (try? SocketAddress(ipAddress: serverName, port: 0)) != nil {
            // RFC 6066 section 3: addresses are not sent as server name.
            accepted = X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName)
        } else {
            accepted = Int32(truncatingIfNeeded: copenssl_set_server_name(ssl, serverName))
            SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            accepted &= SSL_set1_host(ssl, serverName)
        }
        guard accepted == 1 else {
            OpenSSLErrorQueue.clear()
            throw .configuration("\(serverName) is neither a host name nor an IP address that can be verified")
        }
        if let serialized = context.sessions?.take(for: serverName) {
            offer(serialized)
        }
    }

    private func offer(_ serialized: [UInt8]) {
        let session = serialized.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_SSL_SESSION(nil, &start, bytes.count)
        }
        guard let session else {
            OpenSSLErrorQueue.clear()
            return
        }
        // SSL takes a reference of its own.
        if SSL_set_session(ssl, session) == 1 { offeredSession = serialized }
        SSL_SESSION_free(session)
    }
}
