// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct RequestTargetTests {
    @Test(
        arguments: [
            ("/", "/", nil), ("/a/b", "/a/b", nil), ("/a?", "/a", ""), ("/a?b=c&d", "/a", "b=c&d"),
            ("/a?b?c", "/a", "b?c"), ("/%2F%3F", "/%2F%3F", nil), ("*", "*", nil),
            ("//host/a", "//host/a", nil), ("/a?u=http://h/x", "/a", "u=http://h/x"),
            ("/http://h/x", "/http://h/x", nil),
            ("http://host/a?b", "/a", "b"), ("https://host:8443/a/b", "/a/b", nil), ("HTTP://host/", "/", nil),
            ("http://host", "/", nil), ("http://user@host/x", "/x", nil), ("http://[::1]:80/x?y", "/x", "y"),
        ] as [(String, String, String?)])
    func theTargetIsPathAndQuery(target: String, path: String, query: String?) throws {
        let peer = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        let connection = Connection(id: .next(), listener: "test", peer: peer, acceptedAt: 0)
        let head = RequestHead(
            method: .GET, target: target, headers: [:], applicationProtocol: .http11, connection: connection,
            requestNumber: 1
        )
        #expect(head.path == path)
        #expect(head.query == query)
    }
}
