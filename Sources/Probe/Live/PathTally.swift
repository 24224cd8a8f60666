// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How the streams of one path stand, kept up with each record that is put, so that a live view needs no copy of all.
public struct PathTally: Sendable, Equatable {
    /// Streams with a response that has not ended.
    public internal(set) var open = 0
    public internal(set) var attempts = 0
    public internal(set) var ended = 0
    public internal(set) var reconnects = 0
    public internal(set) var events = 0
    /// Of the last response.
    public internal(set) var status: Int?
    public internal(set) var httpVersion: String?
    /// How the last stream that ended did.
    public internal(set) var lastEnding: StreamEnding?

    /// - Parameter old: what was known of the same attempt before.
    mutating func note(_ new: StreamRecord, insteadOf old: StreamRecord?) {
        if old == nil {
            attempts += 1
            if new.attempt > 1 { reconnects += 1 }
        }
        open += (Self.isOpen(new) ? 1 : 0) - (old.map(Self.isOpen) ?? false ? 1 : 0)
        events += new.events - (old?.events ?? 0)
        if new.ended != nil, old?.ended == nil {
            ended += 1
            lastEnding = new.ending
        }
        status = new.status ?? status
        httpVersion = new.connection?.applicationProtocol.display ?? httpVersion
    }

    private static func isOpen(_ record: StreamRecord) -> Bool { record.status == 200 && record.ended == nil }

    /// One or two words for a table.
    public var state: String {
        let version = httpVersion.map { "\($0) " } ?? ""
        if open > 1 { return "\(version)\(open) open" }
        if open == 1 { return "\(version)\(status ?? 200)" }
        if attempts > ended { return reconnects > 0 ? "reconnecting" : "connecting" }
        switch lastEnding {
        case .failed(.connection): return "unreachable"
        case .failed(.status(let status, _)), .failed(.redirect(let status, _)): return "answers \(status)"
        case .failed: return "failed"
        case .complete, .untilClose: return "ended"
        case .stopped, nil: return "connecting"
        }
    }
}
