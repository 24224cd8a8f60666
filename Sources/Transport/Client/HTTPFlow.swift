// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Who says when more of a body may come.
public enum HTTPFlow: Sendable, Hashable {
    /// Every byte counts as consumed when the receiver returns.
    case automatic
    /// The receiver calls `HTTPClientExchange.consumed(_:)`. What it does not consume stops the peer: by
    /// `HTTPClientLimits.bodyBuffer` in HTTP/1.1, by `streamWindow` in HTTP/2, where other streams go on.
    case manual
}

/// Takes the events of one request, on the connection's loop. It may call into the connection; it must not block.
public typealias HTTPResponseReceiver = (HTTPResponseEvent) -> Void
