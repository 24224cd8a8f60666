// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Where in a channel a stream starts: a pure decision from what the client has and what the log holds.

/// How a resume went. The raw values label metrics and traces.
public enum ResumeOutcome: String, Sendable, CaseIterable {
    /// Events that the client had missed were still there.
    case replayed
    /// The client had missed nothing.
    case current
    /// Some of what it missed is gone, and it was told so.
    case gap
    /// Its id is from another life of the channel: what it missed cannot be counted.
    case unknownEpoch = "unknown_epoch"
}

/// Events that a stream can no longer be given.
struct Gap: Equatable {
    enum Reason: String {
        /// The log no longer holds them.
        case expired
        /// The client's position is from another life of the channel, or not one of ours.
        case unknownEpoch = "unknown_epoch"
        /// The stream was too slow, and was configured to skip.
        case slow
    }

    let reason: Reason
    /// `nil` when it cannot be known.
    let missed: UInt64?
}

/// A stream's start in one channel.
struct ResumePoint: Equatable {
    /// The sequence number of the first event to send.
    let position: UInt64
    /// `nil` if the client did not resume.
    let outcome: ResumeOutcome?
    let gap: Gap?

    /// - Parameters:
    ///   - last: the client's position; `nil` for a client that starts with what comes.
    ///   - isForeign: the client sent an id that is not one of ours.
    ///   - first: the oldest sequence number in the log.
    ///   - next: the sequence number that comes next.
    static func find(last: EventID?, isForeign: Bool = false, epoch: Epoch, first: UInt64, next: UInt64) -> ResumePoint
    {
        guard let last, !isForeign else {
            return isForeign
                ? self.unknown(first: first) : ResumePoint(position: next, outcome: nil, gap: nil)
        }
        // A position ahead of the log cannot be from this life of the channel either.
        guard last.epoch == epoch, last.sequence < next else { return self.unknown(first: first) }
        let wanted = last.sequence + 1
        if wanted < first {
            let gap = Gap(reason: .expired, missed: first - wanted)
            return ResumePoint(position: first, outcome: .gap, gap: gap)
        }
        return ResumePoint(position: wanted, outcome: wanted == next ? .current : .replayed, gap: nil)
    }

    /// Everything that the log holds is new to such a client.
    private static func unknown(first: UInt64) -> ResumePoint {
        ResumePoint(position: first, outcome: .unknownEpoch, gap: Gap(reason: .unknownEpoch, missed: nil))
    }
}
