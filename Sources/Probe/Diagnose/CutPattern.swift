// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Transport

/// What the ends of streams that were cut have in common: an age, a silence, or nothing. A pure function of the
/// evidence; `probe idle` measures the timers themselves.
struct CutPattern: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// Busy streams end at one age.
        case age
        /// Every stream ends within an event: what a timer hits is a pause.
        case insideEvent
        /// Only streams that had been silent end.
        case silence
        case none
    }

    /// One stream that ended before anybody here or at the origin meant it to. Seconds.
    struct Cut: Sendable, Hashable {
        var role: StreamRole
        /// From the request to the end.
        var age: Double
        /// From the response's head to the end.
        var answeredFor: Double
        /// From the last byte to the end.
        var silence: Double
        var how: String
        var isInsideEvent = false
        var isHTTP1 = true
    }

    var kind: Kind
    var cuts: [Cut]
    /// Of the age or the silence: their median.
    var seconds: Double
    var confidence: Confidence

    /// After its timeout Envoy sends nothing more and closes an HTTP/1.1 connection this much later
    /// (`delayed_close_timeout`).
    private static let envoyClose = 1.0

    /// - Returns: nil when no stream was cut.
    init?(_ evidence: DiagnoseEvidence) {
        var cuts = evidence.streams.compactMap { evidence.cut($0) }
        guard !cuts.isEmpty else { return nil }
        if evidence.saw(.envoy) != nil {
            for place in cuts.indices where cuts[place].isHTTP1 && cuts[place].silence > Self.envoyClose - 0.1 {
                cuts[place].age -= Self.envoyClose
                cuts[place].answeredFor -= Self.envoyClose
                cuts[place].silence -= Self.envoyClose
            }
        }
        self.cuts = cuts
        // Apache Traffic Server looks at its timers once a second.
        let slack = evidence.saw(.trafficServer) == nil ? 0.15 : 1.2
        let unsilent = cuts.filter { $0.silence < 0.5 * $0.age }
        // Some limits strike with the next write, which on a stream with heartbeats only comes late.
        let dense = unsilent.filter(\.role.isForDelivery)
        let busy = dense.isEmpty ? unsilent : dense
        let counted = busy.isEmpty ? cuts : busy
        let ages = Distribution(counted.map(\.age))
        let silences = Distribution(cuts.map(\.silence))
        func agree(_ spread: Distribution) -> Bool {
            spread.maximum - spread.minimum <= max(slack, 0.02 * spread.median)
        }
        // A hop counts from the request, or from when it began to answer, which need not take equally long each time.
        let limit = [ages, Distribution(counted.map(\.answeredFor))].compactMap { $0 }.first(where: agree)
        let longest =
            evidence.streams.filter { $0.isStream && evidence.cut($0) == nil }
            .map { ($0.until - $0.requested).seconds }.max() ?? 0
        if cuts.allSatisfy(\.isInsideEvent) {
            kind = .insideEvent
            seconds = ages?.median ?? 0
            confidence = cuts.count >= 2 ? .high : .medium
        } else if !busy.isEmpty, let limit {
            kind = .age
            seconds = limit.median
            confidence = busy.count >= 3 ? .high : busy.count == 2 ? .medium : .low
        } else if busy.isEmpty, let silences, agree(silences) {
            kind = .silence
            seconds = silences.median
            // A stream that outlived these shows that it was not their age.
            confidence = longest > seconds + 0.5 ? (cuts.count >= 2 ? .high : .medium) : .low
        } else {
            kind = .none
            seconds = ages?.median ?? 0
            confidence = .medium
        }
    }
}

extension DiagnoseEvidence {
    func cut(_ stream: Stream) -> CutPattern.Cut? {
        guard let ended = stream.record.ended, let ending = stream.record.ending, let head = stream.headReceived else {
            return nil
        }
        switch ending {
        case .failed(.connection): break
        case .complete, .untilClose:
            // Headwater says when it ends a stream itself.
            guard isHeadwater, stream.samples.last?.type != "end", stream.record.status == 200 else { return nil }
        case .stopped, .failed: return nil
        }
        let last = stream.record.lastArrival ?? head
        return CutPattern.Cut(
            role: stream.role, age: (ended - stream.requested).seconds, answeredFor: (ended - head).seconds,
            silence: (ended - last).seconds, how: "\(ending)", isInsideEvent: stream.record.hasUnfinishedEvent,
            isHTTP1: stream.record.connection?.applicationProtocol != .http2)
    }
}
