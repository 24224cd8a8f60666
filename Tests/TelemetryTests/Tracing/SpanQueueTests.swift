// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct SpanQueueTests {
    @Test func whatDoesNotFitIsTheNewest() {
        var queue = SpanQueue(capacity: 5)
        #expect(queue.append(SpanSamples.ended(0..<3)) == 3)
        #expect(queue.append(SpanSamples.ended(3..<8)) == 2)
        #expect(queue.append(SpanSamples.ended(8..<9)) == 0)
        #expect(queue.take(.max).map(\.id.value) == [0, 1, 2, 3, 4] && queue.count == 0)
    }

    /// Against an array that does the same slowly.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func isAQueue(seed: UInt64) {
        var random = IDGenerator(seed: (seed, 5, 6, 7))
        var queue = SpanQueue(capacity: 50)
        var model: [UInt64] = []
        var next: UInt64 = 1
        for _ in 0..<300 {
            if Bool.random(using: &random) {
                let length = UInt64.random(in: 0...20, using: &random)
                let taken = queue.append(SpanSamples.ended(next..<next + length))
                #expect(taken == min(Int(length), 50 - model.count))
                model += next..<next + UInt64(taken)
                next += length
            } else {
                let limit = Int.random(in: 0...30, using: &random)
                #expect(queue.take(limit).map(\.id.value) == Array(model.prefix(limit)))
                model.removeFirst(min(limit, model.count))
            }
            #expect(queue.count == model.count)
        }
    }
}
