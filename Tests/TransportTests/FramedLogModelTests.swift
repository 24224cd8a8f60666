// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// Drives a log and the plainest thing that could replace it, an array, with the same random messages.
@Suite struct FramedLogModelTests {
    private struct Model {
        struct Message {
            let sequence: UInt64
            let payload: [UInt8]
            let publishedAt: Int64

            var frameLength: Int { String(self.payload.count, radix: 16).utf8.count + self.payload.count + 4 }
            var frame: [UInt8] {
                Array(String(self.payload.count, radix: 16).utf8) + [13, 10] + self.payload + [13, 10]
            }
        }

        let maximumMessages: Int
        let maximumBytes: Int
        var messages: [Message] = []
        var next: UInt64
        var appendedBytes = 0

        var bytes: Int { self.messages.reduce(0) { $0 + $1.frameLength } }

        mutating func append(_ payload: [UInt8], publishedAt: Int64) {
            guard !payload.isEmpty else { return }
            let message = Message(sequence: self.next, payload: payload, publishedAt: publishedAt)
            self.messages.append(message)
            self.next += 1
            self.appendedBytes += message.frame.count
            while self.messages.count > 1,
                self.messages.count > self.maximumMessages || self.bytes > self.maximumBytes
            {
                self.messages.removeFirst()
            }
        }
    }

    @Test(arguments: 1...24 as ClosedRange<UInt64>)
    func randomMessagesLeaveTheSameAsInAnArray(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let maximumMessages = try #require([1, 3, 8, 33, 200].randomElement(using: &random))
        let maximumBytes = try #require([1, 64, 700, 5000, 60_000].randomElement(using: &random))
        let first = UInt64.random(in: 1...1000, using: &random)
        let longest = try #require([2, 20, 300, 3000].randomElement(using: &random))
        let log = FramedLog(maximumMessages: maximumMessages, maximumBytes: maximumBytes, firstSequence: first)
        var model = Model(maximumMessages: maximumMessages, maximumBytes: maximumBytes, next: first)

        for step in 0..<600 {
            let length = Int.random(in: 0...longest, using: &random)
            let payload = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let foretold = log.firstSequence(afterAppending: length)
            payload.withUnsafeBytes { log.append($0, publishedAt: Int64(step)) }
            model.append(payload, publishedAt: Int64(step))
            let isForetold = length == 0 || foretold == model.messages.first?.sequence
            var differences = isForetold ? [] : ["firstSequence(afterAppending:)"]
            differences += self.differences(log, model)
            if step % 40 == 39 { differences += self.differencesAtEveryPosition(log, model, random: &random) }
            try #require(differences == [], "after message \(step)")
        }
    }

    // One expectation for each message instead of one for each comparison: there are half a million of those.
    private func differences(_ log: FramedLog, _ model: Model) -> [String] {
        let comparisons = [
            ("count", log.count == model.messages.count), ("nextSequence", log.nextSequence == model.next),
            ("firstSequence", log.firstSequence == model.messages.first?.sequence ?? model.next),
            ("byteCount", log.byteCount == model.bytes), ("endOffset", log.endOffset == UInt64(model.appendedBytes)),
            ("holds the next", !log.holds(model.next)), ("holds what was dropped", !log.holds(log.firstSequence - 1)),
        ]
        return comparisons.filter { !$0.1 }.map(\.0)
    }

    private func differencesAtEveryPosition(
        _ log: FramedLog,
        _ model: Model,
        random: inout SeededGenerator
    ) -> [String] {
        var differences: [String] = []
        var behind = model.bytes
        var run = model.messages.flatMap(\.frame)[...]
        for message in model.messages {
            let sequence = message.sequence
            let limit = Int.random(in: 0...2000, using: &random)
            let part = log.run(from: sequence, limit: limit)
            let comparisons = [
                ("holds", log.holds(sequence)),
                ("payload", log.payload(sequence).map { Array($0) } == message.payload),
                ("publishedAt", log.publishedAt(sequence) == message.publishedAt),
                ("backlog", log.backlog(from: sequence) == behind),
                ("offset", log.offset(of: sequence) == UInt64(model.appendedBytes - behind)),
                ("chunks", log.run(from: sequence, limit: .max).bytes.elementsEqual(run)),
                ("limited chunks", run.starts(with: part.bytes)),
                ("limit", part.bytes.count <= max(limit, message.frame.count)),
            ]
            differences += comparisons.filter { !$0.1 }.map { "\($0.0) at \(sequence)" }
            behind -= message.frame.count
            run = run.dropFirst(message.frame.count)
        }
        return differences
    }
}
