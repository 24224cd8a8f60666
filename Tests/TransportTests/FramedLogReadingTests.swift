// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// What a reader at any position gets of a log, and where a write that broke off stands.
@Suite struct FramedLogReadingTests {
    private let log: FramedLog
    private let frames: [String]

    init() {
        let texts = (1...40).map { String(repeating: "z", count: $0) }
        self.log = FramedLog(maximumMessages: 100, maximumBytes: 1 << 20)
        for text in texts { self.log.append(text) }
        self.frames = texts.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
    }

    @Test func messagesFromEveryPositionAreOneRunToTheHead() {
        for start in 0..<self.frames.count {
            let run = self.log.run(from: UInt64(start + 1), limit: .max)
            #expect(String(decoding: run.bytes, as: UTF8.self) == self.frames[start...].joined())
            #expect(run.first == UInt64(start + 1))
            #expect(run.next == 41)
        }
    }

    @Test(arguments: [0, 1, 6, 7, 13, 40, 100, 500, 1063, 1064, 5000])
    func aLimitEndsTheRunBetweenMessagesButNeverBeforeTheFirst(limit: Int) {
        for start in 0..<self.frames.count {
            let run = self.log.run(from: UInt64(start + 1), limit: limit)
            var expected = self.frames[start]
            var end = start + 1
            while end < self.frames.count, expected.utf8.count + self.frames[end].utf8.count <= limit {
                expected += self.frames[end]
                end += 1
            }
            #expect(String(decoding: run.bytes, as: UTF8.self) == expected)
            #expect(run.next == UInt64(end + 1))
        }
    }

    @Test(arguments: [1, 2, 17, 39, 40] as [UInt64])
    func theMessageAtEveryByteDistanceIsFound(start: UInt64) {
        var distance = 0
        for sequence in start...40 {
            let length = self.frames[Int(sequence) - 1].utf8.count
            for inner in 0..<length {
                let found = self.log.message(at: distance + inner, from: start)
                #expect(found.sequence == sequence)
                #expect(found.end == distance + length)
            }
            distance += length
        }
    }

    @Test func aDistanceAtTheVeryEndBelongsToTheLastMessage() {
        let total = self.frames.joined().utf8.count
        let found = self.log.message(at: total, from: 1)
        #expect(found.sequence == 40)
        #expect(found.end == total)
    }
}
