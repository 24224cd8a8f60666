// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// What a load test has counted. Sums over loops; all of readers unless it says otherwise.
struct LoadCounts: Sendable, Equatable {
    /// Openings that were started: first ones, those after a churn or storm, and reconnects.
    var attempts: UInt64 = 0
    /// Of these, answered with a stream.
    var opened: UInt64 = 0
    /// Streams that came back after an end that was not ours, or a failed opening.
    var reconnects: UInt64 = 0
    var churned: UInt64 = 0
    var storms: UInt64 = 0
    var connections: UInt64 = 0

    var bytes: UInt64 = 0
    var events: UInt64 = 0
    var comments: UInt64 = 0
    /// `event: gap`: the server itself says that events are missing.
    var gaps: UInt64 = 0
    var heartbeats: UInt64 = 0
    /// Events without a number to check.
    var unnumbered: UInt64 = 0
    /// Events without a publish time.
    var untimed: UInt64 = 0
    /// Numbers that were skipped and did not come later.
    var lost: UInt64 = 0
    var duplicated: UInt64 = 0
    /// Came after a higher number.
    var reordered: UInt64 = 0
    /// More than 63 numbers late, or from before the stream's first: reordered or duplicated, nobody knows.
    var stale: UInt64 = 0
    /// Delivered before they were published, by the clock in use; counted as 0.
    var early: UInt64 = 0

    /// Of slow streams.
    var slowBytes: UInt64 = 0
    /// Of half-dead streams: that have vanished.
    var vanished: UInt64 = 0

    var failures = LoadTally()
    var ends = LoadTally()

    static func + (left: LoadCounts, right: LoadCounts) -> LoadCounts {
        var sum = left
        for field in fields { sum[keyPath: field] &+= right[keyPath: field] }
        sum.failures.add(right.failures)
        sum.ends.add(right.ends)
        return sum
    }

    private static var fields: [WritableKeyPath<LoadCounts, UInt64>] {
        [
            \.attempts, \.opened, \.reconnects, \.churned, \.storms, \.connections, \.bytes, \.events, \.comments,
            \.gaps, \.heartbeats, \.unnumbered, \.untimed, \.lost, \.duplicated, \.reordered, \.stale, \.early,
            \.slowBytes, \.vanished,
        ]
    }
}

/// How often what ended streams or kept them from opening, with the first message of each.
/// Bound: ``LoadCause`` has so many cases, and statuses are three digits.
struct LoadTally: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var count: UInt64
        var example: String
    }

    private(set) var entries: [LoadCause: Entry] = [:]

    var total: UInt64 { entries.values.reduce(0) { $0 + $1.count } }

    /// - Parameter example: made only for the first of its kind.
    mutating func note(_ cause: LoadCause, _ example: () -> String) {
        if entries[cause] == nil { entries[cause] = Entry(count: 0, example: example()) }
        entries[cause]?.count += 1
    }

    mutating func add(_ other: LoadTally) {
        for (cause, entry) in other.entries {
            entries[cause, default: Entry(count: 0, example: entry.example)].count += entry.count
        }
    }
}

/// Why a stream ended or did not open.
enum LoadCause: Sendable, Hashable {
    /// We dropped it: churn, storm.
    case dropped
    /// The response was whole.
    case complete
    /// The end of the connection was the end of the response.
    case untilClose
    /// FIN in the middle.
    case fin
    /// TCP RST.
    case reset
    case network
    /// RST_STREAM.
    case streamReset
    case goAway
    case tls
    case refused
    case unreachable
    case nameNotResolved
    /// No file descriptors are left.
    case descriptors
    case timedOut
    case protocolViolation
    case status(Int)
    case notEventStream
    case other

    init(_ error: HTTPClientError) {
        switch error {
        case .nameNotResolved: self = .nameNotResolved
        case .refused: self = .refused
        case .unreachable(_, let reason): self = reason.contains("open files") ? .descriptors : .unreachable
        case .timedOut: self = .timedOut
        case .tls, .tlsNotConfigured: self = .tls
        case .protocolMismatch, .notHTTP, .malformed, .headTooLarge, .tooManyInformational: self = .protocolViolation
        case .streamReset: self = .streamReset
        case .notProcessed: self = .goAway
        case .ended(let end, _): self = LoadCause(end)
        case .invalidRequest, .proxy, .tunnelRefused, .bodyTooLarge, .busy, .streamLimit, .connectionClosing,
            .cancelled:
            self = .other
        }
    }

    private init(_ end: HTTPConnectionEnd) {
        if end.goAway != nil {
            self = .goAway
            return
        }
        switch end.cause {
        case .local: self = .dropped
        case .fin, .closeNotify, .truncatedTLS: self = .fin
        case .reset: self = .reset
        case .network: self = .network
        case .tls: self = .tls
        case .violation: self = .protocolViolation
        }
    }

    /// As reports have it.
    var name: String {
        switch self {
        case .dropped: "dropped"
        case .complete: "complete"
        case .untilClose: "until_close"
        case .fin: "fin"
        case .reset: "rst"
        case .network: "network"
        case .streamReset: "rst_stream"
        case .goAway: "goaway"
        case .tls: "tls"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .nameNotResolved: "name_not_resolved"
        case .descriptors: "descriptors"
        case .timedOut: "timed_out"
        case .protocolViolation: "protocol_violation"
        case .status(let status): "status_\(status)"
        case .notEventStream: "not_event_stream"
        case .other: "other"
        }
    }
}
