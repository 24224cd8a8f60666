// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

@Suite struct FramedLogTests {
    @Test func anEmptyLogHoldsNothing() {
        let log = FramedLog(maximumMessages: 4, maximumBytes: 100)
        #expect(log.count == 0)
        #expect(log.byteCount == 0)
        #expect(log.endOffset == 0)
        #expect(log.firstSequence == 1)
        #expect(log.nextSequence == 1)
        #expect(!log.holds(0))
        #expect(!log.holds(1))
        #expect(log.payload(1) == nil)
        #expect(log.publishedAt(1) == nil)
        #expect(log.backlog(from: 1) == 0)
    }

    @Test func messagesAreNumberedFromTheFirstSequenceWithoutHoles() {
        let log = FramedLog(maximumMessages: 10, maximumBytes: 1000, firstSequence: 41)
        for text in ["a", "b", "c"] { log.append(text) }
        #expect(log.firstSequence == 41)
        #expect(log.nextSequence == 44)
        #expect(log.text(41) == "a")
        #expect(log.text(43) == "c")
        #expect(log.text(44) == nil)
    }

    @Test func aMessageLiesInItsChunkFrame() {
        let log = FramedLog(maximumMessages: 10, maximumBytes: 1000)
        log.append("data: hello world\n\n", publishedAt: 7)
        #expect(log.chunkText(from: 1) == "13\r\ndata: hello world\n\n\r\n")
        #expect(log.byteCount == 25)
        #expect(log.publishedAt(1) == 7)
    }

    @Test func anEmptyMessageIsIgnoredBecauseItsChunkWouldEndTheBody() {
        let log = FramedLog(maximumMessages: 10, maximumBytes: 1000)
        log.append("")
        #expect(log.count == 0)
        #expect(log.byteCount == 0)
        #expect(log.nextSequence == 1)
    }

    @Test(arguments: [1, 2, 3, 8, 9, 100])
    func theBoundOfMessagesDropsTheOldest(maximum: Int) {
        let log = FramedLog(maximumMessages: maximum, maximumBytes: 1 << 20)
        for number in 1...250 {
            log.append("message \(number)")
            #expect(log.count == min(number, maximum))
        }
        #expect(log.firstSequence == UInt64(251 - maximum))
        #expect(log.text(log.firstSequence) == "message \(251 - maximum)")
        #expect(log.text(log.firstSequence - 1) == nil)
        #expect(log.text(250) == "message 250")
    }

    @Test func theBoundOfBytesCountsFrames() {
        // Each message is framed in 1 + 2 + 5 + 2 = 10 bytes.
        let log = FramedLog(maximumMessages: 100, maximumBytes: 30)
        for text in ["aaaaa", "bbbbb", "ccccc"] { log.append(text) }
        #expect(log.count == 3)
        #expect(log.byteCount == 30)
        log.append("ddddd")
        #expect(log.count == 3)
        #expect(log.firstSequence == 2)
        log.append("eeeeee")
        #expect(log.firstSequence == 4)
        #expect(log.byteCount == 21)
    }

    @Test func theNewestMessageIsKeptHoweverLarge() {
        let log = FramedLog(maximumMessages: 100, maximumBytes: 30)
        log.append("small")
        let large = String(repeating: "x", count: 100_000)
        log.append(large)
        #expect(log.count == 1)
        #expect(log.text(2) == large)
        #expect(log.chunkText(from: 2) == "186a0\r\n\(large)\r\n")
        log.append("after")
        #expect(log.firstSequence == 3)
        #expect(log.text(3) == "after")
        #expect(log.byteCount == 10)
    }

    @Test(arguments: [0, -5])
    func boundsBelowOneCountAsOne(bound: Int) {
        let log = FramedLog(maximumMessages: bound, maximumBytes: bound)
        log.append("one")
        log.append("two")
        #expect(log.count == 1)
        #expect(log.text(2) == "two")
    }

    @Test func theFirstMessageAfterAnAppendIsForetold() {
        let log = FramedLog(maximumMessages: 3, maximumBytes: 30)
        #expect(log.firstSequence(afterAppending: 5) == 1)
        log.append("aaaaa")
        log.append("bbbbb")
        #expect(log.firstSequence(afterAppending: 5) == 1)
        #expect(log.firstSequence(afterAppending: 6) == 2)
        #expect(log.firstSequence(afterAppending: 500) == 3)
        log.append("c")
        #expect(log.firstSequence(afterAppending: 1) == 2)
    }

    @Test func backlogIsTheFramedBytesFromThePositionToTheHead() {
        let log = FramedLog(maximumMessages: 3, maximumBytes: 1000)
        for text in ["a", "bb", "ccc", "dddd"] { log.append(text) }
        // Frames of 7, 8 and 9 bytes are kept, one of 6 is gone.
        #expect(log.backlog(from: 2) == 24)
        #expect(log.backlog(from: 3) == 17)
        #expect(log.backlog(from: 4) == 9)
        #expect(log.backlog(from: 5) == 0)
        // What is gone cannot be sent any more.
        #expect(log.backlog(from: 1) == 24)
    }

    @Test func offsetsCountOverTheLifeOfTheLog() {
        let log = FramedLog(maximumMessages: 2, maximumBytes: 1000)
        for text in ["a", "bb", "ccc", "dddd"] { log.append(text) }
        #expect(log.offset(of: 1) == 13)
        #expect(log.offset(of: 3) == 13)
        #expect(log.offset(of: 4) == 21)
        #expect(log.offset(of: 5) == 30)
        #expect(log.offset(of: 99) == 30)
        #expect(log.endOffset == 30)
    }

    @Test func memoryStaysNearTwiceWhatIsKept() {
        let log = FramedLog(maximumMessages: 1000, maximumBytes: 10_000)
        for _ in 0..<10_000 { log.append(String(repeating: "y", count: 90)) }
        #expect(log.byteCount <= 10_000)
        #expect(log.reservedBytes < 64 * 1024)
    }

    @Test func everyByteSurvivesGrowthAndCompaction() {
        // 1,000 bytes are kept of a storage that starts at 2,048: the live bytes move many times.
        let log = FramedLog(maximumMessages: 1000, maximumBytes: 1000)
        for number in 0..<5000 {
            let text = String(repeating: Character(UnicodeScalar(UInt8(97 + number % 26))), count: 1 + number % 97)
            log.append(text)
            #expect(log.text(log.nextSequence - 1) == text)
        }
        for sequence in log.firstSequence..<log.nextSequence {
            let number = Int(sequence) - 1
            let expected = String(repeating: Character(UnicodeScalar(UInt8(97 + number % 26))), count: 1 + number % 97)
            #expect(log.text(sequence) == expected)
        }
    }
}

extension FramedLog {
    func append(_ text: String, publishedAt: Int64 = 0) {
        Array(text.utf8).withUnsafeBytes { self.append($0, publishedAt: publishedAt) }
    }

    func text(_ sequence: UInt64) -> String? {
        self.payload(sequence).map { String(decoding: $0, as: UTF8.self) }
    }

    func chunkText(from sequence: UInt64, limit: Int = .max) -> String {
        String(decoding: self.run(from: sequence, limit: limit).bytes, as: UTF8.self)
    }
}
