// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Closes wait here for their neighbours: whether a stream ended alone or together with others shows only afterwards.

/// Judges each recorded close once, a settle delay after it happened.
///
/// Bound: `capacity` waiting closes (default 16,384, about 5 MB). Beyond it the oldest is judged at once, with the
/// neighbours that are known by then, and `hurried` counts it for a metric; no close is ever lost.
///
/// A value with one owner, and one for the whole process: peers of one intermediary are spread over the event loops.
public struct CloseLedger: Sendable {
    public typealias Judged = (evidence: CloseEvidence, verdict: Verdict)

    /// From the end of a stream to its verdict. Twice the span in which ends count as one moment, so that ends which
    /// another event loop reports late are still in.
    public static let settleNanoseconds = 100 * CloseTolerance.millisecond

    public let capacity: Int
    public private(set) var population: ClosePopulation

    /// Closes that were judged before their time because the ledger was full.
    public private(set) var hurried: UInt64 = 0

    private var waiting: [CloseEvidence] = []
    private var head = 0

    /// No waiting close ended before this; loops report in an order that is only nearly that of time.
    private var earliest: Int64?

    public init(capacity: Int = 16_384, population: ClosePopulation = ClosePopulation()) {
        self.capacity = max(1, capacity)
        self.population = population
    }

    /// Closes that wait for their verdict; never above `capacity`.
    public var waitingCount: Int { waiting.count - head }

    /// When `settle` has something to do next at the earliest, or nil when nothing waits.
    public var nextSettleNanoseconds: Int64? {
        earliest.map { $0 + Self.settleNanoseconds }
    }

    /// Takes a close. Returns a judged one if the ledger was full.
    public mutating func record(_ evidence: CloseEvidence) -> Judged? {
        population.note(evidence)
        waiting.append(evidence)
        earliest = min(earliest ?? evidence.endNanoseconds, evidence.endNanoseconds)
        guard waitingCount > capacity else { return nil }
        let oldest = waiting[head]
        head += 1
        if head > capacity { compact() }
        hurried += 1
        return (oldest, classify(oldest, among: population))
    }

    /// Takes the end of an HTTP/2 connection: the ends of its streams that wait for their verdict were its beginning.
    public mutating func connectionEnded(_ connection: UInt64) {
        for index in waiting.indices[head...] where waiting[index].connection == connection {
            waiting[index].connectionEnded = true
        }
    }

    /// Judges the closes that have waited long enough, in the order in which they were recorded.
    public mutating func settle(now: Int64) -> [Judged] {
        guard let next = nextSettleNanoseconds, next <= now else { return [] }
        return take { now - $0.endNanoseconds >= Self.settleNanoseconds }
    }

    /// Judges all that wait, for the end of the process.
    public mutating func flush() -> [Judged] {
        take { _ in true }
    }

    private mutating func take(_ due: (CloseEvidence) -> Bool) -> [Judged] {
        var judged: [Judged] = []
        var rest: [CloseEvidence] = []
        for evidence in waiting[head...] {
            if due(evidence) {
                judged.append((evidence, classify(evidence, among: population)))
            } else {
                rest.append(evidence)
            }
        }
        waiting = rest
        head = 0
        earliest = rest.lazy.map(\.endNanoseconds).min()
        return judged
    }

    private mutating func compact() {
        waiting.removeFirst(head)
        head = 0
    }
}
