// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// From what the channel reports to evidence.
extension HTTPConnectionEnd.Cause {
    init(_ end: TLSPeerEnded) {
        switch end {
        case .closeNotify: self = .closeNotify
        case .truncated: self = .truncatedTLS
        }
    }

    /// - Returns: nil for errors that say nothing about the connection, such as the parser's.
    init?(_ error: any Error) {
        if let error = error as? TLSError {
            self = .tls(error)
        } else if let error = error as? IOError {
            self = error.errnoCode == ECONNRESET || error.errnoCode == EPIPE ? .reset : .network(error.errnoCode)
        } else {
            return nil
        }
    }
}

/// Bytes from outside, for messages and logs.
enum Printable {
    /// Enough to tell SSH, TLS, HTML and databases apart.
    static let limit = 32

    static func text(_ bytes: some Sequence<UInt8>, limit: Int = limit) -> String {
        var text = ""
        for byte in bytes.prefix(limit) {
            if (0x20...0x7e).contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 16 ? "\\x0" : "\\x"
                text += String(byte, radix: 16)
            }
        }
        return text
    }
}
