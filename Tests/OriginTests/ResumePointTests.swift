// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

/// Where a stream starts in a log that holds events 10 to 19, unless the test says otherwise.
@Suite struct ResumePointTests {
    private let epoch: Epoch
    private let other: Epoch

    init() throws {
        self.epoch = try #require(Epoch("abcdefgh"))
        self.other = try #require(Epoch("zzzzzzzz"))
    }

    private func find(_ last: UInt64?, first: UInt64 = 10, next: UInt64 = 20) -> ResumePoint {
        let last = last.map { EventID(epoch: self.epoch, sequence: $0) }
        return ResumePoint.find(last: last, epoch: self.epoch, first: first, next: next)
    }

    @Test func aClientWithoutAPositionStartsWithWhatComes() {
        #expect(self.find(nil) == ResumePoint(position: 20, outcome: nil, gap: nil))
    }

    @Test(arguments: [(9, 10), (10, 11), (15, 16), (18, 19)] as [(UInt64, UInt64)])
    func whatIsStillThereIsReplayed(last: UInt64, position: UInt64) {
        #expect(self.find(last) == ResumePoint(position: position, outcome: .replayed, gap: nil))
    }

    @Test func aClientThatHasEverythingIsCurrent() {
        #expect(self.find(19) == ResumePoint(position: 20, outcome: .current, gap: nil))
    }

    @Test(arguments: [(8, 1), (5, 4), (0, 9)] as [(UInt64, UInt64)])
    func whatIsGoneIsCountedInAGap(last: UInt64, missed: UInt64) {
        let gap = Gap(reason: .expired, missed: missed)
        #expect(self.find(last) == ResumePoint(position: 10, outcome: .gap, gap: gap))
    }

    @Test func theStartOfAnEmptyChannelIsCurrent() {
        #expect(self.find(0, first: 1, next: 1) == ResumePoint(position: 1, outcome: .current, gap: nil))
    }

    @Test func aLogThatHasForgottenEverythingStillCountsTheGap() {
        let gap = Gap(reason: .expired, missed: 5)
        #expect(self.find(14, first: 20, next: 20) == ResumePoint(position: 20, outcome: .gap, gap: gap))
    }

    @Test(arguments: [20, 21, 1000, .max] as [UInt64])
    func aPositionAheadOfTheLogIsOfAnotherLife(last: UInt64) {
        #expect(self.find(last) == self.unknown)
    }

    @Test(arguments: [0, 5, 15, 19, .max] as [UInt64])
    func anotherEpochIsUnknownWhateverItsSequence(last: UInt64) {
        let id = EventID(epoch: self.other, sequence: last)
        #expect(ResumePoint.find(last: id, epoch: self.epoch, first: 10, next: 20) == self.unknown)
    }

    @Test func aForeignIDGetsAllThatIsKept() {
        #expect(ResumePoint.find(last: nil, isForeign: true, epoch: self.epoch, first: 10, next: 20) == self.unknown)
    }

    private var unknown: ResumePoint {
        ResumePoint(position: 10, outcome: .unknownEpoch, gap: Gap(reason: .unknownEpoch, missed: nil))
    }
}
