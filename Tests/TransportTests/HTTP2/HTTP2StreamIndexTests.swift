// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// The table of streams against a dictionary, and the queue against an array.
@Suite struct HTTP2StreamIndexTests {
    @Test(arguments: [UInt64(0), 1, 42, .max])
    func theIndexAgreesWithADictionary(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var index = HTTP2StreamIndex(seed: seed)
        var model: [UInt32: Int32] = [:]
        for step in 0..<6_000 as Range<Int32> {
            // Few enough identifiers to collide, in phases that grow and phases that shrink.
            let id = UInt32.random(in: 1...600, using: &generator)
            let grows = step / 1_000 % 2 == 0
            if model[id] == nil, grows || Int.random(in: 0..<4, using: &generator) == 0 {
                index.insert(id, step)
                model[id] = step
            } else if !grows {
                index.remove(id)
                model[id] = nil
            }
            if step % 300 == 0 {
                #expect((1...600).allSatisfy { index.find($0) == model[$0] ?? -1 })
            }
        }
    }

    @Test func theQueueAgreesWithAnArray() {
        var generator = SeededGenerator(seed: 7)
        var table = HTTP2StreamTable(seed: 7)
        let all = (0..<20 as Range<UInt32>).map {
            table.open(HTTP2Stream(id: 1 + 2 * $0, sendWindow: 0, receiveWindow: 0))
        }
        var queue = HTTP2StreamQueue()
        var model: [Int32] = []
        for _ in 0..<5_000 {
            let position = all[Int.random(in: 0..<20, using: &generator)]
            if let found = model.firstIndex(of: position) {
                queue.remove(position, in: &table)
                model.remove(at: found)
            } else if Bool.random(using: &generator) {
                queue.append(position, in: &table)
                model.append(position)
            } else {
                queue.prepend(position, in: &table)
                model.insert(position, at: 0)
            }
            #expect(queue.first == model.first ?? -1)
            #expect(queue.last == model.last ?? -1)
        }
    }

    @Test func recordsAreReusedAndAnEmptyTableGivesItsMemoryBack() {
        var table = HTTP2StreamTable(seed: 1)
        for round in 0..<3 as Range<UInt32> {
            let open = (0..<1_000 as Range<UInt32>).map {
                table.open(HTTP2Stream(id: round * 2_000 + 1 + 2 * $0, sendWindow: 0, receiveWindow: 0))
            }
            #expect(table.streams.count == 1_000)
            for position in open.dropLast() { table.close(position) }
            #expect(table.count == 1)
            table.close(open[999])
            #expect(table.streams.capacity <= 64)
        }
    }
}
