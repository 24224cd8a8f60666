// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The resources of both listeners, told by the path alone.

import Transport

enum Route: Equatable {
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
    case unknown

    init(_ head: RequestHead) {
        switch head.path {
        case "/events": self = .measurement
        case "/channels/events": self = .channels
        case "/healthz": self = .health
        case "/readyz": self = .readiness
        case "/debug/streams": self = .debugStreams
        case "/debug/connections": self = .debugConnections
        default:
            let parts = head.path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0].isEmpty, parts[1] == "channels", parts[3] == "events" else {
                self = .unknown
                return
            }
            self = .channel(PercentEncoding.decode(parts[2], plusIsSpace: false))
        }
    }
}
