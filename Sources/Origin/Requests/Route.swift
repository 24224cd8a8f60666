// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The resources of both listeners, told by the path alone.

import Transport

enum Route: Hashable {
    /// `/channels/{name}/events`; the name as it was sent, decoded but not checked.
    case channel(String)
    /// `/channels/events?channel=…`
    case channels
    /// `/events`
    case measurement
    case health
    case readiness
    case debugStreams
    case debugConnections
    case debugTraces
    /// `/debug/traces/{trace id}`; the id as it was sent.
    case debugTrace(String)
    case metrics
    case time
    case beacon
    case unknown

    init(_ head: RequestHead) { self.init(path: head.path) }

    init(path: String) {
        switch path {
        case "/events": self = .measurement
        case "/channels/events": self = .channels
        case "/healthz": self = .health
        case "/readyz": self = .readiness
        case "/debug/streams": self = .debugStreams
        case "/debug/connections": self = .debugConnections
        case "/debug/traces": self = .debugTraces
        case "/metrics": self = .metrics
        case "/time": self = .time
        case "/beacon": self = .beacon
        case let path where path.hasPrefix(Self.traceRoot):
            self = .debugTrace(String(path.dropFirst(Self.traceRoot.count)))
        default:
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0].isEmpty, parts[1] == "channels", parts[3] == "events" else {
                self = .unknown
                return
            }
            self = .channel(PercentEncoding.decode(parts[2], plusIsSpace: false))
        }
    }

    private static let traceRoot = "/debug/traces/"

    /// Whether GET opens a stream.
    var opensStreams: Bool {
        switch self {
        case .channel, .channels, .measurement: true
        default: false
        }
    }

    /// The route as metrics and spans name it (`http.route`): a closed set, without what requests put into it.
    var template: String {
        switch self {
        case .channel: "/channels/{channel}/events"
        case .channels: "/channels/events"
        case .measurement: "/events"
        case .health: "/healthz"
        case .readiness: "/readyz"
        case .debugStreams: "/debug/streams"
        case .debugConnections: "/debug/connections"
        case .debugTraces: "/debug/traces"
        case .debugTrace: "/debug/traces/{trace_id}"
        case .metrics: "/metrics"
        case .time: "/time"
        case .beacon: "/beacon"
        case .unknown: "unmatched"
        }
    }
}

/// The route of the path that was looked up last: a request asks for its own several times, and those that come
/// together mostly ask for the same. Belongs to a loop. Bound: one path.
struct RouteMemo {
    private var path = "/"
    private(set) var route = Route.unknown
    /// What a GET of it is called in a trace.
    private(set) var spanName = "GET \(Route.unknown.template)"

    mutating func find(_ path: String) -> Route {
        guard path != self.path else { return self.route }
        self.path = path
        self.route = Route(path: path)
        self.spanName = "GET \(self.route.template)"
        return self.route
    }
}
