// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// An HTTP/2 error code (RFC 9113 section 7).
///
/// A struct and not an enum, because unknown codes must not be an error (section 7) and are evidence: httpd, for
/// one, sends an APR status such as 70007 in its GOAWAY when a connection times out.
public struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
    /// The code as it is on the wire.
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let noError = HTTP2ErrorCode(rawValue: 0x0)
    public static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    public static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    public static let flowControlError = HTTP2ErrorCode(rawValue: 0x3)
    public static let settingsTimeout = HTTP2ErrorCode(rawValue: 0x4)
    public static let streamClosed = HTTP2ErrorCode(rawValue: 0x5)
    public static let frameSizeError = HTTP2ErrorCode(rawValue: 0x6)
    public static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    public static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    public static let compressionError = HTTP2ErrorCode(rawValue: 0x9)
    public static let connectError = HTTP2ErrorCode(rawValue: 0xa)
    public static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xb)
    public static let inadequateSecurity = HTTP2ErrorCode(rawValue: 0xc)
    public static let http11Required = HTTP2ErrorCode(rawValue: 0xd)
}

extension HTTP2ErrorCode: CustomStringConvertible {
    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
        "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    /// The name of section 7, or the number for a code that has none.
    public var description: String {
        rawValue < Self.names.count ? Self.names[Int(rawValue)] : String(rawValue)
    }
}

/// Why a received frame cannot be accepted: the two classes of RFC 9113 section 5.4.
///
/// Internal to the session: the caller sees ``HTTP2Event/connectionError(_:reason:)`` and
/// ``HTTP2Event/streamEnded(_:_:_:)``.
enum HTTP2Fault: Error {
    /// Ends the connection (section 5.4.1). The reason becomes the debug data of our GOAWAY.
    case connection(HTTP2ErrorCode, StaticString)
    /// Ends one stream (section 5.4.2).
    case stream(UInt32, HTTP2ErrorCode)
}
