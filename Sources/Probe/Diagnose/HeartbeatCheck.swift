// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Whether comments, which are what heartbeats are made of, come through.
public struct HeartbeatCheck: Encodable, Sendable, Hashable {
    public enum Verdict: String, Encodable, Sendable, CaseIterable {
        case passed
        /// Sent, and taken out on the way.
        case swallowed
        /// None came; whether any was sent is not known.
        case notSeen = "not_seen"
    }

    public let verdict: Verdict
    public let text: String
    /// On all streams.
    public let comments: Int
    /// Between comments of one stream, in milliseconds: the median.
    public let intervalMs: Double?
    /// `heartbeat` events on the quiet channel.
    public let heartbeatEvents: Int

    init(_ evidence: DiagnoseEvidence) {
        let streams = evidence.streams.filter(\.isStream)
        comments = streams.reduce(0) { $0 + $1.record.comments }
        let gaps = streams.flatMap { stream in
            zip(stream.record.commentTimes, stream.record.commentTimes.dropFirst()).map { ($1 - $0).milliseconds }
        }
        // Comments at once are the head's, not a heartbeat.
        intervalMs = Distribution(gaps.filter { $0 >= 50 })?.median
        heartbeatEvents = evidence.stream(.quietEvents)?.samples.count { $0.type == "heartbeat" } ?? 0
        let ids = streams.filter { !$0.record.lastEventID.isEmpty }
        if evidence.isHeadwater, !ids.isEmpty, ids.allSatisfy({ $0.record.comments == 0 }) {
            verdict = .swallowed
            text = "Headwater begins each stream with a comment, and none came: ask for ?heartbeat=event"
        } else if heartbeatEvents > 0, let quiet = evidence.stream(.quiet), quiet.record.comments <= 1 {
            verdict = .swallowed
            text = "\(heartbeatEvents) heartbeats came as events, and none as a comment: ask for ?heartbeat=event"
        } else if let intervalMs {
            verdict = .passed
            text = "comments pass, every \(TextStyle.fixed(intervalMs / 1_000, 1)) s when the stream is quiet"
        } else if comments > 0 {
            verdict = .passed
            text = "comments pass; the time was too short, or the stream too busy, for a heartbeat"
        } else {
            verdict = .notSeen
            text = "no comment came; the server may send none, or the time was too short"
        }
    }
}
