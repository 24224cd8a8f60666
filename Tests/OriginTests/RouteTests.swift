// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHTTP1
import Testing

@testable import Origin
@testable import Transport

@Suite struct RouteTests {
    @Test(arguments: [
        ("/events", Route.measurement), ("/events?interval=5", .measurement), ("/channels/events", .channels),
        ("/channels/events?channel=a", .channels), ("/channels/news/events", .channel("news")),
        ("/channels/news/events?x=/y", .channel("news")), ("/channels/a%20b/events", .channel("a b")),
        ("/channels/a+b/events", .channel("a+b")), ("/channels/a%2Fb/events", .channel("a/b")),
        ("/channels/events/events", .channel("events")), ("/channels//events", .channel("")),
        ("/healthz", .health), ("/readyz", .readiness), ("/debug/streams", .debugStreams),
        ("/debug/connections", .debugConnections),
        ("http://host/channels/news/events", .channel("news")),
        ("/", .unknown), ("*", .unknown), ("/events/", .unknown), ("//events", .unknown), ("/Events", .unknown),
        ("/channels", .unknown), ("/channels/news", .unknown), ("/channels/news/event", .unknown),
        ("/channels/news/events/", .unknown), ("/channels/a/b/events", .unknown), ("/x/channels/news/events", .unknown),
        ("/Channels/news/events", .unknown), ("/%65vents", .unknown), ("/debug", .unknown),
    ])
    func aPathIsAResource(target: String, route: Route) throws {
        #expect(Route(try RequestHead.sample(target)) == route)
    }

    @Test func theLastPathIsRemembered() {
        var memo = RouteMemo()
        for path in ["/", "/events", "/events", "/channels/a/events", "/events", "/nothing"] {
            #expect(memo.find(path) == Route(path: path))
            #expect(memo.spanName == "GET \(Route(path: path).template)")
        }
    }

    // MARK: The name of a stream's way

    private func path(_ fields: [(String, String)], label: String? = nil) throws -> String {
        DeliveryPath.name(of: try RequestHead.sample("/", fields), label: label)
    }

    @Test(
        arguments: [
            ([], "direct"), ([("X-Other", "1")], "direct"),
            ([("X-Forwarded-For", "1.1.1.1")], "forwarded"), ([("Forwarded", "for=1.1.1.1")], "forwarded"),
            ([("Via", "1.1 varnish (Varnish/7.1)")], "via-varnish"),
            ([("Via", "2.0 edge:8443, 1.1 b")], "via-edge:8443"),
            ([("Via", "1.1 a"), ("Via", "1.1 b")], "via-a"), ([("Via", "  1.1   spaced  ")], "via-spaced"),
            ([("Via", "1.1 vegur"), ("X-Forwarded-For", "1.1.1.1")], "via-vegur"),
            ([("Via", "")], "direct"), ([("Via", "1.1")], "direct"), ([("Via", "1.1 b\"ad")], "direct"),
            ([("Via", "1.1 b\"ad"), ("X-Forwarded-For", "1.1.1.1")], "forwarded"),
        ] as [([(String, String)], String)])
    func theRequestShowsItsWay(fields: [(String, String)], name: String) throws {
        #expect(try self.path(fields) == name)
    }

    @Test(arguments: ["nginx", "a-b_c.d:e", "A9", String(repeating: "x", count: 64)])
    func theClientsOwnNameGoesFirst(label: String) throws {
        #expect(try self.path([("Via", "1.1 varnish")], label: label) == label)
    }

    @Test(arguments: ["", "a b", "a\"b", "a\nb", "a/b", "é", String(repeating: "x", count: 65)])
    func aNameThatIsNotSafeIsIgnored(label: String) throws {
        #expect(try self.path([("Via", "1.1 varnish")], label: label) == "via-varnish")
    }
}

extension RequestHead {
    static func sample(_ target: String, _ fields: [(String, String)] = []) throws -> RequestHead {
        RequestHead(
            method: .GET,
            target: target,
            headers: HTTPHeaders(fields),
            applicationProtocol: .http11,
            connection: Connection(
                id: .next(),
                listener: "public",
                peer: try SocketAddress(ipAddress: "192.0.2.1", port: 1),
                acceptedAt: 0
            ),
            requestNumber: 1
        )
    }
}
