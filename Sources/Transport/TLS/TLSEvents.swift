// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Fired as a user inbound event when the handshake is done, before the first decrypted byte.
///
/// A handler that reacts to it by adding the protocol's handlers at once, in `userInboundEventTriggered`, misses
/// nothing.
public struct TLSHandshakeCompleted: Sendable, Hashable {
    /// What ALPN agreed on, such as `h2`; nil when the client offered nothing.
    public let applicationProtocol: String?
    public let version: TLSVersion
    /// The cipher suite's name, such as `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// At servers the name that the client asked for (SNI), at clients the name or address that was verified.
    public let serverName: String?
    /// Whether an earlier session was resumed, without certificates.
    public let resumed: Bool
    /// The subject of the peer's certificate in the form of RFC 2253, if it showed one: at servers the client's.
    public let peerCertificateSubject: String?
}

/// Fired as a user inbound event when the peer has ended its direction of an established connection: evidence for the
/// close reason. Followed by `channelInactive`, or by `ChannelEvent.inputClosed` where half-closure is allowed.
public enum TLSPeerEnded: Sendable, Hashable {
    /// With an alert `close_notify`: the peer's TLS library was told to close.
    case closeNotify
    /// By the end of TCP alone. A peer that crashed, an intermediary's timeout or an attacker who cuts the stream
    /// look the same; many clients also end so out of habit. Data without an own end marker may be incomplete.
    case truncated
}
