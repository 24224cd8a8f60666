// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOPosix
import Testing
import Transport

@testable import Origin

/// Slots and generations. A stream's state needs a connection, and that an event loop; no byte is sent.
@Suite struct StreamTableTests {
    @Test func aStreamIsFoundByItsToken() async throws {
        try await StreamStates.withStates { states in
            let table = StreamTable()
            let first = table.nextToken()
            table.insert(states.make(position: 11))
            let second = table.nextToken()
            table.insert(states.make(position: 22))
            return [
                .init("tokens", first != second), .init("count", table.count == 2),
                .init("first", table.find(first)?.pointee.position == 11),
                .init("second", table.find(second)?.pointee.position == 22),
                .init("by slot", table[second.slot].pointee.position == 22),
                .init("unknown slot", table.find(StreamToken(slot: 2, generation: 0)) == nil),
                .init("negative slot", table.find(StreamToken(slot: -1, generation: 0)) == nil),
                .init("other generation", table.find(StreamToken(slot: 0, generation: 1)) == nil),
            ]
        }
    }

    @Test func aSlotsNextStreamIsNotItsPredecessor() async throws {
        try await StreamStates.withStates { states in
            let table = StreamTable()
            let old = table.nextToken()
            table.insert(states.make(position: 1))
            let removed = table.remove(old.slot)
            let isGone = table.find(old) == nil && !table.holds(Int(old.slot))
            let new = table.nextToken()
            table.insert(states.make(position: 2))
            return [
                .init("removed", removed.position == 1), .init("gone", isGone),
                .init("same slot", new.slot == old.slot), .init("next generation", new.generation == 1),
                .init("old token", table.find(old) == nil), .init("new token", table.find(new)?.pointee.position == 2),
                .init("count", table.count == 1),
            ]
        }
    }

    @Test func growingKeepsEveryStreamInItsSlot() async throws {
        try await StreamStates.withStates { states in
            let table = StreamTable()
            var tokens: [StreamToken] = []
            for number in 0..<5000 {
                tokens.append(table.nextToken())
                table.insert(states.make(position: UInt64(number)))
            }
            let areFound = tokens.enumerated().allSatisfy { table.find($1)?.pointee.position == UInt64($0) }
            return [
                .init("found", areFound), .init("count", table.count == 5000), .init("range", table.range == 0..<5000),
            ]
        }
    }

    @Test func theMemoryOfAStormIsGivenBackAndItsTokensStayDead() async throws {
        try await StreamStates.withStates { states in
            let table = StreamTable()
            var old: [StreamToken] = []
            for number in 0..<3000 {
                old.append(table.nextToken())
                table.insert(states.make(position: UInt64(number)))
            }
            for token in old.shuffled() { _ = table.remove(token.slot) }
            let isEmpty = table.count == 0 && old.allSatisfy { table.find($0) == nil }
            // A second storm grows from the start again, in slots that were used before.
            var new: [StreamToken] = []
            for number in 0..<4000 {
                new.append(table.nextToken())
                table.insert(states.make(position: UInt64(number + 10_000)))
            }
            return [
                .init("empty", isEmpty), .init("old tokens", old.allSatisfy { table.find($0) == nil }),
                .init("lowest slot first", new[0].slot == 0), .init("slots", Set(new.map(\.slot)).count == 4000),
                .init(
                    "new tokens",
                    new.enumerated().allSatisfy { table.find($1)?.pointee.position == UInt64($0 + 10_000) }
                ),
            ]
        }
    }

    @Test func randomComingAndGoingIsThatOfADictionary() async throws {
        try await StreamStates.withStates { states in
            let table = StreamTable()
            var model: [StreamToken: UInt64] = [:]
            var gone: [StreamToken] = []
            var draw: UInt64 = 7
            var isSame = true
            for step in 0..<20_000 as Range<UInt64> {
                draw = draw &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // Long runs of coming, then of going, so that the table passes its bounds in both directions.
                let isComing = (draw >> 33) % 10 < ((step / 2500).isMultiple(of: 2) ? 9 : 1)
                if isComing || model.isEmpty {
                    let token = table.nextToken()
                    isSame = isSame && model[token] == nil
                    table.insert(states.make(position: step))
                    model[token] = step
                } else if let (token, position) = model.first {
                    isSame = isSame && table.remove(token.slot).position == position
                    model[token] = nil
                    gone.append(token)
                }
                isSame = isSame && table.count == model.count
            }
            return [
                .init("same", isSame),
                .init("live", model.allSatisfy { table.find($0)?.pointee.position == $1 }),
                .init("gone", gone.allSatisfy { table.find($0) == nil }),
                .init("held", table.range.count { table.holds($0) } == model.count),
            ]
        }
    }
}
