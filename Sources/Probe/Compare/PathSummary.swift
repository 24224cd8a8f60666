// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Transport

/// What one path did: the figures of all its streams and events. Durations are milliseconds.
public struct PathSummary: Encodable, Sendable {
    /// Percentiles and moments of a set of durations.
    public struct Figures: Encodable, Sendable {
        public let count: Int
        public let minMs, meanMs, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs: Double

        public init(_ distribution: Distribution) {
            count = distribution.count
            minMs = distribution.minimum
            meanMs = distribution.mean
            p50Ms = distribution.percentile(50)
            p90Ms = distribution.percentile(90)
            p95Ms = distribution.percentile(95)
            p99Ms = distribution.percentile(99)
            p999Ms = distribution.percentile(99.9)
            maxMs = distribution.maximum
        }
    }

    /// The steps to the first event, of the first stream that made a connection; nil where a step did not happen.
    public struct Phases: Encodable, Sendable {
        public let dnsMs, connectMs, tunnelMs, tlsMs, settingsMs, requestToHeadMs, headToFirstByteMs: Double?

        init(_ phases: PhaseTimes) {
            dnsMs = phases.resolve.milliseconds
            connectMs = phases.connect.milliseconds
            tunnelMs = phases.tunnel.milliseconds
            tlsMs = phases.handshake.milliseconds
            settingsMs = phases.settings.milliseconds
            requestToHeadMs = phases.requestToHead.milliseconds
            headToFirstByteMs = phases.headToFirstByte.milliseconds
        }
    }

    /// The time between neighbouring events, and how much it varies.
    public struct Gaps: Encodable, Sendable {
        public let meanMs, medianMs: Double
        /// Mean distance from the mean, and median distance from the median.
        public let jitterMeanMs, jitterMedianMs: Double

        init(_ distribution: Distribution) {
            meanMs = distribution.mean
            medianMs = distribution.median
            jitterMeanMs = distribution.meanAbsoluteDeviation
            jitterMedianMs = distribution.medianAbsoluteDeviation
        }
    }

    public struct End: Encodable, Sendable {
        public let stream, attempt: Int
        public let ageSeconds: Double
        public let how: String
        /// Not by the server's own will.
        public let isFailure: Bool
        /// The server could not even be asked.
        public let isUnreachable: Bool
    }

    public let name, url: String
    /// Of the first stream: `HTTP/1.1`, `HTTP/2`.
    public let httpVersion: String?
    public let tls: String?
    public let status: Int?
    /// Distinct streams that were opened, and attempts that followed on an end.
    public let streams, reconnects: Int
    public let events, bytes, comments: Int
    /// Events that came in one read with the one before on their stream.
    public let coalesced: Int
    /// Of the first stream: request to head, and start to first event.
    public let ttfbMs, firstEventMs: Double?
    public let phases: Phases?
    /// Publish to arrival; nil when the events bear no time or the origin's clock is unknown.
    public let latency: Figures?
    /// How wrong each latency can be, by the estimate of the origin's clock.
    public let latencyErrorMs: Double?
    public let gaps: Gaps?
    /// By the publisher's numbers within each stream, from the first that arrived on.
    public let lost, duplicated, reordered: Int
    public let ends: [End]

    public init(path: ProbePath, index: Int, snapshot: Recording.Snapshot, clock: ClockTrack) {
        let streams = snapshot.streams.filter { $0.path == index }
        let samples = snapshot.samples.filter { $0.path == index }
        let first = streams.first
        name = path.name
        url = "\(path.target)"
        httpVersion = first?.connection?.applicationProtocol.display
        tls = first?.connection?.tls
        status = first?.status
        self.streams = Set(streams.map(\.stream)).count
        reconnects = streams.count { $0.attempt > 1 }
        events = streams.reduce(0) { $0 + $1.events }
        bytes = streams.reduce(0) { $0 + $1.bytes }
        comments = streams.reduce(0) { $0 + $1.comments }
        ttfbMs = (first?.timeToHead).milliseconds
        firstEventMs = (first?.timeToFirstEvent).milliseconds
        // Of streams that share a connection, one has waited for its making.
        phases = (streams.first { $0.phases.connection != nil } ?? first).map { Phases($0.phases) }
        latency = Distribution(samples.compactMap { clock.latency(of: $0).milliseconds }).map(Figures.init)
        latencyErrorMs = latency == nil ? nil : clock.error.milliseconds
        let order = StreamOrder(samples)
        gaps = Distribution(order.gaps).map(Gaps.init)
        coalesced = order.coalesced
        lost = order.lost
        duplicated = order.duplicated
        reordered = order.reordered
        ends = streams.compactMap { record in
            guard let ended = record.ended, let ending = record.ending, ending != .stopped else { return nil }
            return End(
                stream: record.stream, attempt: record.attempt, ageSeconds: (ended - record.started).seconds,
                how: "\(ending)", isFailure: record.isFailure, isUnreachable: record.isUnreachable)
        }
    }
}

extension ApplicationProtocol {
    /// As people write it.
    var display: String {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2"
        }
    }
}

extension Int64? {
    /// Nanoseconds as milliseconds.
    var milliseconds: Double? { map(\.milliseconds) }
}

extension Int64 {
    /// Nanoseconds as milliseconds.
    var milliseconds: Double { Double(self) / 1_000_000 }
}

extension StreamEnding: CustomStringConvertible {
    public var description: String {
        switch self {
        case .stopped: "stopped by the probe"
        case .complete: "the server ended it"
        case .untilClose: "the connection ended, and the response has no length"
        case .failed(let error): "\(error)"
        }
    }
}
