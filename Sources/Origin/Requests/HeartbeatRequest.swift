// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The parameter `heartbeat` of a stream: how, how often and whether it is kept alive. Who looks for an idle timer on
// the way needs streams that are as quiet as they are told to be, whatever the origin does for everybody else.

/// What a subscriber wants instead of the origin's heartbeats: any of `comment`, `event`, `off` and a number of
/// seconds, each with a `heartbeat=` of its own.
struct HeartbeatRequest: Equatable {
    var form = HeartbeatForm.comment
    /// Nanoseconds; 0 for no heartbeats, nil for as often as the origin is configured to.
    var interval: Int64?

    /// The sweep that sends heartbeats comes ten times a second, so below half a second an interval would be uneven. An
    /// hour is longer than any idle timer that has been seen.
    static let seconds = 0.5...3_600

    struct Invalid: Error, Equatable {
        let detail: String
    }

    init() {}

    /// - Parameter values: of each `heartbeat=`, in their order; the last of each kind counts.
    init(_ values: [String]) throws(Invalid) {
        for value in values {
            switch value {
            case "comment": form = .comment
            case "event": form = .event
            case "off": interval = 0
            default:
                guard let seconds = Double(value), Self.seconds.contains(seconds) else {
                    throw Invalid(
                        detail: "heartbeat is \"\(value.prefix(40))\"; it must be comment, event, off, or a number of "
                            + "seconds from \(Self.seconds.lowerBound) to \(Int(Self.seconds.upperBound)).")
                }
                interval = .nanoseconds(seconds: seconds)
            }
        }
    }
}
