// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing
import Transport

@testable import Probe

/// When what is due: without clock and sockets.
@Suite struct LoadScheduleTests {
    private static let second: Int64 = 1_000_000_000

    private static func plan(_ change: (inout LoadPlan) -> Void = { _ in }) throws -> LoadPlan {
        var plan = LoadPlan(path: ProbePath(name: "a", target: try HTTPTarget("http://127.0.0.1/")))
        plan.streams = 10
        plan.ramp = .seconds(1)
        plan.hold = .seconds(10)
        change(&plan)
        return plan
    }

    private static func all(_ schedule: LoadSchedule) -> [LoadSchedule.Demand] {
        var schedule = schedule
        var demands: [LoadSchedule.Demand] = []
        while let demand = schedule.take(by: .max) { demands.append(demand) }
        return demands
    }

    private static func due(_ demand: LoadSchedule.Demand) -> Int64 {
        switch demand {
        case .open(_, let due), .churn(let due), .storm(let due): due
        }
    }

    @Test func openingsAreSpreadOverTheRamp() throws {
        let schedule = LoadSchedule(try Self.plan(), slots: 10, total: 10, loop: 0, start: 5)
        let expected = (0..<10).map { LoadSchedule.Demand.open(slot: $0, due: 5 + Int64($0) * 100_000_000) }
        #expect(Self.all(schedule) == expected)
    }

    @Test func nothingIsGivenBeforeItIsDue() throws {
        var schedule = LoadSchedule(try Self.plan(), slots: 10, total: 10, loop: 0, start: 0)
        #expect(schedule.take(by: -1) == nil)
        #expect(schedule.take(by: 0) == .open(slot: 0, due: 0))
        #expect(schedule.take(by: 99_999_999) == nil)
        #expect(schedule.next == 100_000_000)
        // However late it is asked for, its time is its own.
        #expect(schedule.take(by: 900_000_000) == .open(slot: 1, due: 100_000_000))
    }

    @Test func loopsShareWhatOneLoopWouldDo() throws {
        let change: (inout LoadPlan) -> Void = { plan in
            plan.streams = 9
            plan.churn = 7
        }
        let one = Self.all(LoadSchedule(try Self.plan(change), slots: 9, total: 9, loop: 0, start: 0)).map(Self.due)
        let shared = try Self.plan { plan in
            change(&plan)
            plan.loops = 2
        }
        let two = [5, 4].enumerated().flatMap { loop, slots in
            Self.all(LoadSchedule(shared, slots: slots, total: 9, loop: loop, start: 0)).map(Self.due)
        }
        #expect(two.count == one.count)
        #expect(zip(two.sorted(), one.sorted()).allSatisfy { abs($0 - $1) <= 2 })
    }

    @Test func churnHasItsRateFromTheEndOfTheRampToTheEnd() throws {
        let plan = try Self.plan { $0.churn = 50 }
        let churns = Self.all(LoadSchedule(plan, slots: 10, total: 10, loop: 0, start: 0)).filter {
            if case .churn = $0 { true } else { false }
        }
        #expect(churns.count == 499)
        #expect(churns.first.map(Self.due) == Self.second + 20_000_000)
        #expect(churns.last.map(Self.due) == 11 * Self.second - 20_000_000)
    }

    @Test func stormsComeAtTheirPeriodAndInOrderWithTheRest() throws {
        let plan = try Self.plan { plan in
            plan.storm = .seconds(3)
            plan.churn = 1
        }
        let demands = Self.all(LoadSchedule(plan, slots: 10, total: 10, loop: 0, start: 0))
        #expect(
            demands.filter { if case .storm = $0 { true } else { false } }.map(Self.due)
                == [4, 7, 10].map { $0 * Self.second })
        #expect(zip(demands, demands.dropFirst()).allSatisfy { Self.due($0) <= Self.due($1) })
        #expect(demands.last == .storm(due: 10 * Self.second))
    }

    @Test func stormsWaitUntilTheStreamsHaveSettled() throws {
        let plan = try Self.plan { plan in
            plan.settle = .seconds(2)
            plan.storm = .seconds(6)
        }
        let demands = Self.all(LoadSchedule(plan, slots: 10, total: 10, loop: 0, start: 0))
        #expect(demands.last == .storm(due: 9 * Self.second))
        #expect(demands.count == 11)
    }

    @Test func extremeNumbersOverflowNothing() throws {
        let plan = try Self.plan { plan in
            plan.ramp = .seconds(Int64.max / 2)
            plan.settle = .seconds(Int64.max / 2)
            plan.hold = .seconds(Int64.max / 2)
            plan.churn = 1e-300
            plan.storm = .seconds(Int64.max / 2)
        }
        let demands = Self.all(LoadSchedule(plan, slots: 10, total: 10, loop: 0, start: 1 << 60))
        #expect(demands.count == 10)
    }
}

/// Which numbers are new, missing, late or twice.
@Suite struct LoadSequenceTests {
    typealias Finding = SequenceWindow.Finding

    @Test(
        arguments: [
            ([5, 6, 7], [Finding.inOrder, .inOrder, .inOrder]),
            ([5, 8, 6, 7], [.inOrder, .gap(2), .late, .late]),
            ([5, 6, 6, 5], [.inOrder, .inOrder, .duplicate, .duplicate]),
            ([5, 4], [.inOrder, .stale]),
            ([1, 65, 1, 2], [.inOrder, .gap(63), .stale, .late]),
            ([1, 200, 137, 136, 200], [.inOrder, .gap(198), .late, .stale, .duplicate]),
            ([0, 1], [.inOrder, .inOrder]),
            ([.max, 0], [.inOrder, .stale]),
        ] as [([UInt64], [Finding])])
    func numbersAreJudged(numbers: [UInt64], findings: [Finding]) {
        var window = SequenceWindow()
        #expect(numbers.map { window.note($0) } == findings)
    }

    @Test func lossesAreWhatAModelSays() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            var numbers = (1...300).map(UInt64.init).filter { _ in Int.random(in: 0..<10, using: &random) > 0 }
            // Displaced by less than the window.
            for place in numbers.indices.dropLast(5) where Int.random(in: 0..<8, using: &random) == 0 {
                numbers.swapAt(place, place + Int.random(in: 1...5, using: &random))
            }
            var window = SequenceWindow()
            var (lost, seen, highest) = (0, Set<UInt64>(), UInt64(0))
            var stale = 0
            for number in numbers {
                switch window.note(number) {
                case .gap(let missing): lost += Int(missing)
                case .late: lost -= 1
                case .stale: stale += 1
                case .inOrder, .duplicate: break
                }
                seen.insert(number)
                highest = max(highest, number)
            }
            let first = numbers.first ?? 0
            let expected = Int(highest - first) + 1 - seen.count { $0 >= first }
            #expect(lost == expected)
            #expect(stale == seen.count { $0 < first })
        }
    }
}
