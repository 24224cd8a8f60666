// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Whether a stream that is opened again with `Last-Event-ID` goes on where it was left (HTML, section 9.2.4). Compares
/// what came after the return with what another stream had in the meantime.
public struct ResumeCheck: Encodable, Sendable, Hashable {
    public enum Verdict: String, Encodable, Sendable, CaseIterable {
        /// Goes on after the id, with nothing lost and nothing twice.
        case honoured
        /// Sends again what was had before.
        case replayed
        /// Goes on with what is new now; what came in between is lost.
        case startedAnew = "started_anew"
        /// 204: the server says that the stream is over.
        case over
        /// Another status, or no connection.
        case refused
        /// Nothing was published in between, or nobody saw it.
        case untold
        /// The events have no ids, so there is nothing to go on after.
        case withoutIDs = "without_ids"
        case notTried = "not_tried"
    }

    public let verdict: Verdict
    public let text: String
    /// The id that was sent.
    public let lastEventID: String?
    /// The status of the second answer.
    public let status: Int?
    /// Events of the time between the two streams, that came on neither.
    public let lost: Int
    /// Events of the first that came again on the second.
    public let duplicated: Int
    /// The reconnection time that the server asks for, in milliseconds.
    public let retryMs: Int?

    init(_ evidence: DiagnoseEvidence) {
        let first = evidence.stream(.resume)
        let second = evidence.stream(.resume, attempt: 2)
        let retry = evidence.streams.compactMap(\.record.retry).first
        let judged = Self.judge(evidence, first, second)
        verdict = judged.verdict
        text = judged.text
        lost = judged.lost
        duplicated = judged.duplicated
        lastEventID = second?.record.headers.isEmpty == false ? first?.record.lastEventID : nil
        status = second?.record.status
        retryMs = retry
    }

    private typealias Judgement = (verdict: Verdict, text: String, lost: Int, duplicated: Int)

    private static func judge(
        _ evidence: DiagnoseEvidence, _ first: DiagnoseEvidence.Stream?, _ second: DiagnoseEvidence.Stream?
    ) -> Judgement {
        guard let first, first.isStream else {
            let why = evidence.wasSentOnce ? "a \(evidence.path.method.rawValue) is sent once" : "no stream to leave"
            return (.notTried, why, 0, 0)
        }
        guard !first.record.lastEventID.isEmpty else {
            return first.record.events == 0
                ? (.untold, "no event came before the reconnect", 0, 0)
                : (.withoutIDs, "the events have no ids: whoever reconnects begins anew", 0, 0)
        }
        guard let second else { return (.notTried, "the measurement ended before the reconnect", 0, 0) }
        guard second.record.status == 200 else {
            return second.record.status == 204
                ? (.over, "the server answers 204: EventSource stops for good", 0, 0)
                : (.refused, "the reconnect failed: \(second.record.ending.map { "\($0)" } ?? "no answer")", 0, 0)
        }
        return compare(evidence, first, second)
    }

    private static func compare(
        _ evidence: DiagnoseEvidence, _ first: DiagnoseEvidence.Stream, _ second: DiagnoseEvidence.Stream
    ) -> Judgement {
        let had = Set(first.samples.compactMap(\.id))
        let ids = second.samples.compactMap(\.id)
        let again = ids.count { had.contains($0) }
        if second.samples.contains(where: { $0.type == "gap" }) {
            return (.startedAnew, "the server reports a gap after the id", 0, again)
        }
        guard !ids.isEmpty else { return (.untold, "no event came after the reconnect", 0, 0) }
        if again > 0 {
            return (.replayed, "\(again) events came again: the server, or the path, ignores the id", 0, again)
        }
        guard let missed = missed(evidence, after: first.record.lastEventID, until: ids[0], second.requested) else {
            return (.untold, "nothing shows what was published in between", 0, 0)
        }
        if missed.between > 0 {
            return (
                .startedAnew,
                "\(missed.between) events of the time between were lost: the id did not reach the "
                    + "server, or it keeps no events", missed.between, 0
            )
        }
        guard missed.whileAway > 0 else { return (.untold, "nothing was published in between", 0, 0) }
        return (.honoured, "went on after the id: \(missed.whileAway) events of the time between came", 0, 0)
    }

    /// Events that another stream had after `id`: those before `next`, and those that came while nobody was there.
    private static func missed(
        _ evidence: DiagnoseEvidence, after id: String, until next: String, _ returned: Int64
    ) -> (between: Int, whileAway: Int)? {
        for witness in evidence.streams where witness.role.isForDelivery {
            let samples = witness.samples.filter { $0.id != nil }
            guard let left = samples.firstIndex(where: { $0.id == id }),
                let back = samples.firstIndex(where: { $0.id == next }), back > left
            else { continue }
            let away = samples[(left + 1)...].prefix { $0.lastByte < returned }.count
            return (back - left - 1, away)
        }
        return nil
    }
}
