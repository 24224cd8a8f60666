// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import COpenSSL

// The functions that OpenSSL calls in the middle of a handshake. They find the context through the connection's
// SSL_CTX and call nothing that could come back to the connection.
extension TLSContext {
    private static func of(_ connection: OpaquePointer?) -> TLSContext? {
        guard let connection, let stored = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), 0) else { return nil }
        return Unmanaged<TLSContext>.fromOpaque(stored).takeUnretainedValue()
    }

    /// Confirms the server name to the client. Unknown names are served with the first certificate (RFC 6066 section 3
    /// leaves that open): probes by address and health checks are common, and browsers check the name anyway.
    static let serverNameCallback:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) ->
            Int32 = { _, _, _ in SSL_TLSEXT_ERR_OK }

    /// Chooses the certificates by server name. Not called when a session is resumed.
    static let certificateCallback: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = {
        connection, _ in
        guard let connection, let context = of(connection),
            let name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name)
        else { return 1 }
        let found = context.names.certificates(for: String(cString: name))
        guard !found.isEmpty, found != context.fallback else { return 1 }
        SSL_certs_clear(connection)
        for index in found.reversed() {
            do {
                try context.certificates[index].install(inConnection: connection)
            } catch {
                return 0
            }
        }
        return 1
    }

    /// Chooses the protocol: the first of ours that the client offers; RFC 7301 section 3.2 demands the alert if none
    /// is.
    static let protocolCallback: SSL_CTX_alpn_select_cb_func = { connection, chosen, chosenLength, list, length, _ in
        guard let context = of(connection), let chosen, let chosenLength, let list else {
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        let offered = UnsafeBufferPointer(start: list, count: Int(length))
        for name in context.applicationProtocols {
            // OpenSSL has checked that the lengths in the list add up.
            var index = 0
            while index < offered.count {
                let candidate = offered[index...].dropFirst().prefix(Int(offered[index]))
                if candidate.elementsEqual(name), let start = offered.baseAddress {
                    // The answer may point into the client's list, which outlives this call.
                    chosen.pointee = start + candidate.startIndex
                    chosenLength.pointee = UInt8(candidate.count)
                    return SSL_TLSEXT_ERR_OK
                }
                index += 1 + Int(offered[index])
            }
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }

    static let keyLogCallback: SSL_CTX_keylog_cb_func = { connection, line in
        guard let line else { return }
        of(connection)?.keyLog?.append(line: line)
    }

    /// Keeps a session for the next connect. Returns 0: OpenSSL's reference is not kept.
    static let sessionCallback: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = { connection, session in
        guard let connection, let session, let sessions = of(connection)?.sessions,
            let stored = SSL_get_ex_data(connection, 0)
        else { return 0 }
        let owner = Unmanaged<TLSConnection>.fromOpaque(stored).takeUnretainedValue()
        guard let name = owner.serverName else { return 0 }
        let length = Int(i2d_SSL_SESSION(session, nil))
        guard length > 0 else { return 0 }
        let serialized = [UInt8](unsafeUninitializedCapacity: length) { space, initialized in
            var end = space.baseAddress
            initialized = max(0, Int(i2d_SSL_SESSION(session, &end)))
        }
        sessions.store(serialized, for: name)
        return 0
    }
}
