// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// When what is due on one loop. The times depend on nothing that happens: a server that answers late does not delay
/// the next request, and each latency counts from when its request was due (open loop, without what Gil Tene calls
/// coordinated omission). Pure arithmetic on nanoseconds, without a clock.
struct LoadSchedule {
    enum Demand: Equatable {
        /// The first opening of a slot.
        case open(slot: Int, due: Int64)
        /// Some stream leaves and is opened anew.
        case churn(due: Int64)
        /// All streams are dropped and opened anew.
        case storm(due: Int64)
    }

    private let start: Int64
    private let ramp: Int64
    /// From the start to when the streams have settled.
    private let settled: Int64
    private let stormPeriod: Int64?
    /// Between two of the loop's churns; nil without churn.
    private let churnPeriod: Double?
    private let churnPhase: Double
    private let end: Int64
    private let slots: Int
    /// Of slot 0 and from slot to slot, in parts of all streams.
    private let loop: Int
    private let loops: Int
    private let total: Int

    private var opened = 0
    private var churned = 0
    private var stormed = 0

    /// - Parameters:
    ///   - slots: of this loop; its slot k is the stream k × loops + loop of all.
    ///   - total: slots of all loops.
    init(_ plan: LoadPlan, slots: Int, total: Int, loop: Int, start: Int64) {
        self.start = start
        self.slots = slots
        self.total = max(total, 1)
        self.loop = loop
        loops = max(plan.loops, 1)
        ramp = plan.ramp.clampedNanoseconds
        settled = (plan.ramp + plan.settle).clampedNanoseconds
        end = start + settled + plan.hold.clampedNanoseconds
        stormPeriod = plan.storm.map { max($0.clampedNanoseconds, 1_000_000) }
        churnPeriod = plan.churn > 0 ? 1e9 / plan.churn * Double(loops) : nil
        churnPhase = plan.churn > 0 ? 1e9 / plan.churn * Double(loop + 1) : 0
    }

    /// When the next demand is due; nil when there is none any more.
    var next: Int64? {
        [nextOpen, nextChurn, nextStorm].compactMap { $0 }.min()
    }

    /// The next demand that is due by `now`. In the order of their times; at the same time a storm comes last.
    mutating func take(by now: Int64) -> Demand? {
        guard let due = next, due <= now else { return nil }
        if nextOpen == due {
            defer { opened += 1 }
            return .open(slot: opened, due: due)
        }
        if nextChurn == due {
            churned += 1
            return .churn(due: due)
        }
        stormed += 1
        return .storm(due: due)
    }

    private var nextOpen: Int64? {
        guard opened < slots else { return nil }
        let place = Double(opened * loops + loop) / Double(total)
        return start + Int64(Double(ramp) * place)
    }

    private var nextChurn: Int64? {
        guard let churnPeriod else { return nil }
        return beforeEnd(Double(churned) * churnPeriod + churnPhase)
    }

    private var nextStorm: Int64? {
        guard let stormPeriod else { return nil }
        return beforeEnd(Double(stormed + 1) * Double(stormPeriod))
    }

    /// A time after the streams have settled.
    private func beforeEnd(_ after: Double) -> Int64? {
        guard after < 9e18 else { return nil }
        let (due, overflow) = (start + settled).addingReportingOverflow(Int64(after))
        return overflow || due >= end ? nil : due
    }
}

extension Duration {
    /// Nanoseconds, at most about a century: sums of a few stay far from overflow.
    var clampedNanoseconds: Int64 {
        let limit: Int64 = 3_000_000_000
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return 0 }
        return min(seconds, limit) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
