// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What to open next and when to stop, from what the streams so far have done. A pure state machine: the runner tells
/// it the time and the streams, many times a second, and does what it says.
public struct IdleCampaign: Sendable {
    public enum Action: Sendable, Hashable {
        case open(IdlePlan.Opening)
        /// Both questions are answered, or time is up.
        case finish
    }

    /// What the streams show of the server.
    public enum Source: Sendable, Hashable {
        /// Streams of any cadence can be asked for.
        case headwater
        /// The stream is what it is.
        case asIs
    }

    private enum Stage: Sendable {
        /// The first quiet streams are being opened; it shows whether they share a connection to the origin.
        case looking
        /// Streams share a connection to the origin, and as long as one is busy the others' silence may not show. So
        /// first there are only quiet ones.
        case hushed(since: Double, rounds: Int)
        case all
    }

    public let upTo: Double
    public let source: Source
    /// Several streams can share a connection from here: HTTP/2.
    public let canShare: Bool
    private let plan: IdlePlan
    private var stage = Stage.looking
    /// Not opened yet, by time.
    private var due: [IdlePlan.Opening]
    private var judged = 0.0
    private var reopened = 0
    private var refined = 0
    private var refinedRange: ClosedRange<Double>?

    /// Ends of quiet streams that make a value of a hop whose timers are coarse.
    private static let wantedEnds = 8
    /// Seconds between two looks at what the ends say.
    private static let judgementInterval = 0.5
    /// Streams opened anew in one run at most.
    private static let reopenLimit = 24
    /// How often a silent timer is looked at more closely, and with how many streams each time.
    private static let refinementLimit = 3
    private static let rungs = 6

    public init(upTo: Double, source: Source, canShare: Bool = false) {
        self.upTo = upTo
        self.source = source
        self.canShare = canShare
        plan = IdlePlan(upTo: upTo)
        due = source == .headwater ? plan.quiet : IdlePlan.asIs
        if source == .asIs { stage = .all }
    }

    /// - Parameters:
    ///   - now: seconds since the run began.
    ///   - streams: all that have had a response.
    ///   - pending: streams that were opened and have had none yet.
    public mutating func next(now: Double, streams: [HeldStream], pending: Int) -> [Action] {
        if now >= upTo { return [.finish] }
        var actions: [Action] = []
        advance(now: now, streams: streams, pending: pending)
        while let opening = due.first, opening.at <= now {
            due.removeFirst()
            actions.append(.open(opening))
        }
        guard actions.isEmpty, due.isEmpty, pending == 0, now - judged >= Self.judgementInterval else { return actions }
        judged = now
        let judgement = TimerClassifier(streams).judge()
        if isSettled(judgement, streams: streams) { return [.finish] }
        due = refinement(judgement, now: now) + (reopening(judgement, now: now, streams: streams).map { [$0] } ?? [])
        return streams.contains(where: \.isOpen) || !due.isEmpty ? [] : [.finish]
    }

    /// For a first stream that is open already.
    public mutating func skipFirst() {
        if !due.isEmpty { due.removeFirst() }
    }

    // MARK: Stages

    private mutating func advance(now: Double, streams: [HeldStream], pending: Int) {
        switch stage {
        case .all: break
        case .looking:
            let known = streams.filter { $0.originConnection != nil }
            guard known.count >= 2 || (now > 3 && pending == 0) else { return }
            if Set(known.map(\.originConnection)).count < known.count {
                stage = .hushed(since: now, rounds: 0)
            } else {
                begin(now: now)
            }
        case .hushed(let since, let rounds):
            guard due.isEmpty, pending == 0 else { return }
            // A timer that was seen once is worth more of the time than one that was not.
            let isOver = now - since >= (upTo - since) * (rounds == 0 ? 0.45 : 0.75)
            if streams.contains(where: \.isOpen), !isOver { return }
            let judgement = TimerClassifier(streams).judge()
            if !isOver, judgement.scope == .connection, rounds == 0 {
                // All ended at once, which a restart does too: the same once more.
                stage = .hushed(since: since, rounds: 1)
                due = plan.quiet.map { later($0, by: now + 0.3) }
            } else {
                begin(now: now)
            }
        }
    }

    /// Opens the busy streams, and with a connection's idle timer in sight quiet ones beside them.
    private mutating func begin(now: Double) {
        var openings = plan.beating + (canShare ? plan.siblings : [])
        if case .hushed = stage { openings += plan.quiet }
        // Intervals for the time that is left.
        let longest = upTo - now - IdlePlan.margin
        openings = openings.filter { opening in
            if case .beating(let interval) = opening.role { interval < longest || interval <= 1 } else { true }
        }
        due = (due + openings.map { later($0, by: now) }).sorted { $0.at < $1.at }
        stage = .all
    }

    private func later(_ opening: IdlePlan.Opening, by time: Double) -> IdlePlan.Opening {
        var opening = opening
        opening.at += time
        return opening
    }

    // MARK: Ends

    private func isSettled(_ judgement: TimerJudgement, streams: [HeldStream]) -> Bool {
        guard case .all = stage, judgement.lifetime.status == .found, judgement.lifetime.confidence == .high else {
            return false
        }
        switch judgement.idle.status {
        case .found: return judgement.idle.confidence == .high
        // Nobody is left to be idle.
        case .outOfReach: return !streams.contains(where: \.isOpen)
        case .noneSeen, .unknown: return false
        }
    }

    /// One more quiet stream, when those that ended were few and there is time for another.
    private mutating func reopening(
        _ judgement: TimerJudgement,
        now: Double,
        streams: [HeldStream]
    ) -> IdlePlan.Opening? {
        guard case .all = stage, reopened < Self.reopenLimit, let last = streams.last(where: { !$0.isOpen }) else {
            return nil
        }
        // An odd part of a second later each time, for timers that are looked at once a second.
        let at = now + 0.23 + Double(reopened % 4) * 0.19
        guard at + last.age * 1.05 < upTo else { return nil }
        switch source {
        case .headwater:
            guard judgement.idle.status == .found, judgement.scope != .connection,
                judgement.idle.streams.count < Self.wantedEnds, !streams.contains(where: { isYoungQuiet($0) })
            else { return nil }
            reopened += 1
            return IdlePlan.Opening(role: .quiet, at: at)
        case .asIs:
            // Not for a stream that the server ended as it should.
            guard !streams.contains(where: \.isOpen), reopened < 3, last.end?.how != .complete,
                judgement.idle.confidence < .high, judgement.lifetime.confidence < .high
            else { return nil }
            reopened += 1
            return IdlePlan.Opening(role: .asIs, at: at)
        }
    }

    /// Silent drops show only by bytes that stay away, so the timer lies between two rungs of the ladder: more rungs
    /// between those, as long as that says more.
    private mutating func refinement(_ judgement: TimerJudgement, now: Double) -> [IdlePlan.Opening] {
        let idle = judgement.idle
        guard idle.isSilent, refined < Self.refinementLimit, let range = idle.range, range.lowerBound >= 0.5,
            range.upperBound - range.lowerBound > max(0.3, range.upperBound * 0.03),
            range != refinedRange, now + HeldStream.patience(for: range.upperBound) + 1 < upTo
        else { return [] }
        refined += 1
        refinedRange = range
        let step = (range.upperBound - range.lowerBound) / Double(Self.rungs + 1)
        // Origins keep intervals to a tenth of a second.
        let intervals = (1...Self.rungs).map { ((range.lowerBound + Double($0) * step) * 10).rounded() / 10 }
        return Set(intervals).sorted().enumerated().map { rung, interval in
            IdlePlan.Opening(role: .beating(interval), at: now + 0.03 * Double(rung))
        }
    }

    /// A quiet stream that is being waited for already.
    private func isYoungQuiet(_ stream: HeldStream) -> Bool {
        stream.role == .quiet && stream.isOpen
    }
}
