// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1

/// The header section of a response as it goes into a field block (RFC 9113, section 8.3.2).
public struct HTTP2ResponseHead: Sendable {
    public var status: Int
    /// Fields that other responses have too: the peer's table remembers them. Names in any case.
    public var headers: HTTPHeaders
    /// Fields whose values are this response's own; kept out of the peer's table, where they would push out what
    /// repeats. Names in any case.
    public var own: [(name: String, value: String)]

    public init(status: Int, headers: HTTPHeaders = [:], own: [(name: String, value: String)] = []) {
        self.status = status
        self.headers = headers
        self.own = own
    }
}
