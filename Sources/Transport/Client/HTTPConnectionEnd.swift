// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How a connection ended: evidence, from which a verdict can be drawn elsewhere.
public struct HTTPConnectionEnd: Sendable, Equatable {
    public enum Cause: Sendable, Equatable {
        /// We closed it.
        case local
        /// TCP FIN, in cleartext.
        case fin
        /// TLS `close_notify`, then FIN.
        case closeNotify
        /// FIN without `close_notify`.
        case truncatedTLS
        /// TCP RST.
        case reset
        /// The network gave up, with this `errno`: `ETIMEDOUT`, `EHOSTUNREACH` and the like.
        case network(Int32)
        /// TLS failed in the open connection.
        case tls(TLSError)
        /// The server broke HTTP's rules, and we ended the connection.
        case violation(String)
    }

    public var cause: Cause
    /// The server's GOAWAY, if it sent one before.
    public var goAway: HTTP2GoAwayEvidence?

    public init(cause: Cause, goAway: HTTP2GoAwayEvidence? = nil) {
        self.cause = cause
        self.goAway = goAway
    }
}

/// A GOAWAY frame (RFC 9113 section 6.8).
public struct HTTP2GoAwayEvidence: Sendable, Hashable {
    public var code: HTTP2ErrorCode
    /// Streams above it were not processed.
    public var lastStreamID: UInt32
    /// Cut at 256 octets and made printable.
    public var debug: String
}

extension HTTPConnectionEnd: CustomStringConvertible {
    public var description: String {
        let text =
            switch cause {
            case .local: "closed by us"
            case .fin: "closed by the peer (FIN)"
            case .closeNotify: "closed by the peer (close_notify)"
            case .truncatedTLS: "cut without close_notify"
            case .reset: "reset by the peer (RST)"
            case .network(let code): "lost by the network (errno \(code))"
            case .tls(let error): "ended by TLS: \(error)"
            case .violation(let reason): "ended for a protocol violation: \(reason)"
            }
        guard let goAway else { return text }
        return "\(text) after GOAWAY \(goAway.code)\(goAway.debug.isEmpty ? "" : " \"\(goAway.debug)\"")"
    }
}
