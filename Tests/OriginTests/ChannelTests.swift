// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing
import Transport

@testable import Origin

/// A channel's list of subscribers. Without NIOCore, whose `Channel` is another thing.
@Suite struct ChannelTests {
    private let channel: Channel

    init() throws {
        self.channel = Channel(
            key: .named(try #require(ChannelName("news"))),
            epoch: try #require(Epoch("abcdefgh")),
            log: FramedLog(maximumMessages: 10, maximumBytes: 1000),
            home: ChannelHome(),
            audience: ChannelAudience(),
            now: 0
        )
    }

    private var slots: [Int32] { self.channel.subscribers.map(\.slot) }

    private func add(_ slots: ClosedRange<Int32>) {
        for slot in slots { _ = self.channel.add(Subscriber(slot: slot, member: StreamState.single)) }
    }

    @Test func aSubscriberIsToldItsPlace() {
        #expect(self.channel.hasNoStreams)
        for place in 0..<5 {
            #expect(self.channel.add(Subscriber(slot: Int32(place * 10), member: 0)) == place)
        }
        #expect(!self.channel.hasNoStreams)
    }

    @Test func theLastTakesTheFreedPlace() throws {
        self.add(0...4)
        let move = try #require(self.channel.remove(at: 1))
        #expect(move.moved.slot == 4)
        #expect(!move.isPassed)
        #expect(self.slots == [0, 4, 2, 3])
    }

    @Test func theLastLeavesWithoutAMove() {
        self.add(0...2)
        #expect(self.channel.remove(at: 2) == nil)
        #expect(self.channel.remove(at: 1) == nil)
        #expect(self.channel.remove(at: 0) == nil)
        #expect(self.channel.hasNoStreams)
    }

    @Test(arguments: [(0, true), (1, true), (2, false), (3, false)])
    func aMoveBehindTheFanOutIsTold(index: Int, isPassed: Bool) throws {
        self.add(0...5)
        self.channel.isDirty = true
        self.channel.fanOutIndex = 2
        #expect(try #require(self.channel.remove(at: index)).isPassed == isPassed)
    }

    @Test func withoutAFanOutNothingIsPassed() throws {
        self.add(0...5)
        self.channel.fanOutIndex = 6
        #expect(try !#require(self.channel.remove(at: 0)).isPassed)
    }

    @Test func followersKeepTheHomeAlive() {
        self.channel.home?.followers = [1]
        #expect(!self.channel.hasNoStreams)
        self.channel.home?.followers = []
        #expect(self.channel.hasNoStreams)
    }

    @Test func theHeadIsThePositionOfTheNewestEvent() {
        #expect(self.channel.headID.description == "abcdefgh.0")
        self.append("a")
        self.append("b")
        #expect(self.channel.headID.description == "abcdefgh.2")
    }

    @Test func aBatchCarriesTheLogToAnotherLoop() {
        for number in 1...12 { self.append(String(repeating: "x", count: number)) }
        let batch = EventBatch(copying: self.channel.log)
        let copy = FramedLog(
            maximumMessages: 10, maximumBytes: 1000, firstSequence: self.channel.log.firstSequence
        )
        batch.forEach { copy.append($0, publishedAt: $1) }
        #expect(copy.firstSequence == 3)
        #expect(copy.nextSequence == 13)
        for sequence in 3..<13 as Range<UInt64> {
            #expect(copy.payload(sequence)?.count == Int(sequence))
            #expect(copy.publishedAt(sequence) == Int64(sequence))
        }
    }

    private func append(_ text: String) {
        let time = Int64(self.channel.log.nextSequence)
        Array(text.utf8).withUnsafeBytes { self.channel.log.append($0, publishedAt: time) }
    }
}
