// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1

/// What `probe diagnose` found. Everything is computed from the evidence here; see docs/diagnosis.md.
public struct DiagnoseResult: ProbeResult {
    public static let command = "diagnose"

    /// One stream of the diagnosis. Durations are milliseconds.
    public struct Stream: Encodable, Sendable {
        public let role: StreamRole
        public let attempt: Int
        public let httpVersion: String?
        public let status: Int?
        public let contentEncoding: String?
        /// From the request to the head, to the first byte of the body, and to the first event.
        public let headMs, firstByteMs, firstEventMs: Double?
        public let events, comments, bytes: Int
        public let ageSeconds: Double
        public let ending: String?
        /// Nil for streams whose delivery says nothing.
        public let delivery: Delivery?
    }

    public let name, url: String
    public let verdict: DeliveryVerdict
    public let confidence: Confidence
    public let basis: DeliveryBasis
    public let reason: String
    /// The stream that decided.
    public let decidedBy: StreamRole?
    public let causes: [Cause.Found]
    /// Whether the origin is Headwater.
    public let isHeadwater: Bool
    public let intermediaries: [Intermediary.Sighting]
    public let streams: [Stream]
    public let heartbeats: HeartbeatCheck
    public let resume: ResumeCheck
    public let protocols: [ProtocolOffer]
    public let headerChanges: [HeaderChange]
    /// Lines that are not the origin's. At most 8.
    public let foreignLines: [String]
    /// How late this process itself was.
    public let ownDelayMs: Double
    /// The request was sent once only, since repeating it may cost something.
    public let wasSentOnce: Bool
    public let exit: ProbeExit

    enum CodingKeys: String, CodingKey {
        case name, url, verdict, confidence, basis, reason, decidedBy, causes, isHeadwater, intermediaries, streams
        case heartbeats, resume, protocols, headerChanges, foreignLines, ownDelayMs, wasSentOnce
    }

    public init(_ evidence: DiagnoseEvidence) {
        var deliveries: [StreamRole: Delivery] = [:]
        for stream in evidence.streams where stream.role.isForDelivery && stream.isStream {
            deliveries[stream.role] = evidence.delivery(of: stream)
        }
        let causes = CauseFinder(evidence: evidence, deliveries: deliveries).find()
        let judgement = Judgement(evidence, deliveries, causes)
        name = evidence.path.name
        url = "\(evidence.path.target)"
        verdict = judgement.delivery.verdict
        confidence = judgement.delivery.confidence
        basis = judgement.delivery.basis
        reason = judgement.delivery.reason
        decidedBy = judgement.role
        exit = judgement.exit
        self.causes = causes
        isHeadwater = evidence.isHeadwater
        intermediaries = evidence.sightings
        // Where there is no stream, those that were stopped on their way say nothing.
        let shown = evidence.streams.filter { $0.role == .plain || evidence.stream(.plain)?.isStream ?? true }
        streams = shown.map { Self.summary($0, $0.record.attempt == 1 ? deliveries[$0.role] : nil) }
        heartbeats = HeartbeatCheck(evidence)
        resume = ResumeCheck(evidence)
        protocols = evidence.offers
        headerChanges = HeaderChange.all(evidence)
        foreignLines = Array(evidence.streams.flatMap(\.record.foreignLines).prefix(StreamRecord.foreignLimit))
        ownDelayMs = evidence.ownDelay.milliseconds
        wasSentOnce = evidence.wasSentOnce
    }

    private static func summary(_ stream: DiagnoseEvidence.Stream, _ delivery: Delivery?) -> Stream {
        let record = stream.record
        func since(_ time: Int64?) -> Double? { time.map { ($0 - stream.requested).milliseconds } }
        return Stream(
            role: stream.role, attempt: record.attempt,
            httpVersion: record.connection?.applicationProtocol.display, status: record.status,
            contentEncoding: stream.coding, headMs: since(stream.headReceived),
            firstByteMs: since(record.phases.firstByteReceived), firstEventMs: since(record.firstEvent),
            events: record.events, comments: record.comments, bytes: record.bytes,
            ageSeconds: (stream.until - stream.requested).seconds, ending: record.ending.map { "\($0)" },
            delivery: delivery)
    }

    public var measures: [Measure] {
        let plain = streams.first
        var measures = [Measure("severity", Double(verdict.severity), .count)]
        if let head = plain?.headMs { measures.append(Measure("ttfb", head, .milliseconds)) }
        let holds = streams.compactMap(\.delivery?.figures.longestHoldMs)
        measures.append(Measure("hold", holds.max() ?? 0, .milliseconds))
        measures.append(Measure("lost_at_resume", Double(resume.lost), .count))
        return measures
    }
}

extension DiagnoseEvidence {
    /// The offers, with what the streams themselves show of HTTP/1.1.
    var offers: [ProtocolOffer] {
        let isShown = streams.contains {
            $0.record.status != nil && $0.record.connection?.applicationProtocol != .http2
                && $0.record.connection != nil
        }
        return protocols.map { offer in
            guard offer.name == .http1, offer.isOffered == nil else { return offer }
            return ProtocolOffer(.http1, isShown ? true : nil, isShown ? "the streams use it" : "not tried")
        }
    }
}
