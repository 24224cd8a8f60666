// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Transport

/// Everything that a run of `probe diagnose` has seen. What is made of it is computed from this alone.
public struct DiagnoseEvidence: Sendable {
    /// One attempt of one stream.
    public struct Stream: Sendable {
        public var role: StreamRole
        public var record: StreamRecord
        public var samples: [EventSample]
        /// The end of the stream, or of our looking at it.
        public var until: Int64

        public init(role: StreamRole, record: StreamRecord, samples: [EventSample], until: Int64) {
            self.role = role
            self.record = record
            self.samples = samples
            self.until = until
        }

        /// When the stream was asked for.
        var requested: Int64 { record.phases.requestWritten ?? record.started }

        var headReceived: Int64? { record.phases.headReceived }

        /// Whether the server or the path ended it, and not we.
        var hasEnded: Bool { record.ending.map { $0 != .stopped } ?? false }

        var coding: String? { record.headers.first(name: "content-encoding")?.lowercased() }
    }

    public var path: ProbePath
    public var streams: [Stream]
    public var protocols: [ProtocolOffer]
    public var clock: ClockTrack
    /// How late timers of this process were at the 95th percentile, in nanoseconds.
    public var ownDelay: Int64
    /// The head of a short answer beside the streams.
    public var bystander: HTTPHeaders = [:]
    /// Whether the run was for one request only, since the method is not safe to repeat.
    public var wasSentOnce: Bool

    public init(
        path: ProbePath, streams: [Stream], protocols: [ProtocolOffer] = [], clock: ClockTrack = ClockTrack([]),
        ownDelay: Int64 = 0, wasSentOnce: Bool = false
    ) {
        self.path = path
        self.streams = streams
        self.protocols = protocols
        self.clock = clock
        self.ownDelay = ownDelay
        self.wasSentOnce = wasSentOnce
    }

    func stream(_ role: StreamRole, attempt: Int = 1) -> Stream? {
        streams.first { $0.role == role && $0.record.attempt == attempt }
    }

    /// Any head of the run; the request as given comes first.
    var headers: HTTPHeaders {
        streams.lazy.map(\.record.headers).first { !$0.isEmpty } ?? [:]
    }

    /// Whether the origin is Headwater: it says so, or answers `/time` as Headwater does.
    var isHeadwater: Bool {
        !clock.estimates.isEmpty || streams.contains { $0.record.headers.areOfHeadwater }
    }

    var sightings: [Intermediary.Sighting] {
        var seen: [Intermediary.Sighting] = []
        for headers in streams.map(\.record.headers) + [bystander] {
            for sighting in Intermediary.sightings(in: headers)
            where !seen.contains(where: { $0.name == sighting.name }) {
                seen.append(sighting)
            }
        }
        return seen
    }

    func saw(_ intermediary: Intermediary) -> Intermediary.Sighting? { sightings.first { $0.name == intermediary } }
}
