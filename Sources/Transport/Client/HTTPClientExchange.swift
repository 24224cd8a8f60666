// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// One request under way, on whichever protocol carries it. A value that names the connection and the request on it;
/// all of it belongs to the connection's event loop. Once the request has ended every call does nothing.
public enum HTTPClientExchange {
    case http1(HTTP1ClientConnection, number: UInt64)
    case http2(HTTP2ClientConnection, StreamSlot)

    /// Gives body bytes back, with `HTTPFlow.manual`.
    public func consumed(_ count: Int) {
        switch self {
        case .http1(let connection, let number): connection.consumed(count, of: number)
        case .http2(let connection, let slot): connection.consumed(count, on: slot)
        }
    }

    /// Ends the request now; its receiver gets `.failed(error)` before this returns. HTTP/2 resets the stream with
    /// CANCEL; HTTP/1.1 has no way to end a response but to close the connection.
    public func cancel(_ error: HTTPClientError = .cancelled) {
        switch self {
        case .http1(let connection, let number): connection.cancel(number, error)
        case .http2(let connection, let slot): connection.cancel(slot, error)
        }
    }

    /// The stream's identifier on the wire; nil in HTTP/1.1 and after the end.
    public var streamID: UInt32? {
        switch self {
        case .http1: nil
        case .http2(let connection, let slot): connection.session.streamID(of: slot)
        }
    }
}
