// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct TokenBucketTests {
    private let second: Int64 = 1_000_000_000

    private func take(_ bucket: inout TokenBucket, _ count: Int, at seconds: Double) -> Double? {
        bucket.take(count, now: Int64(seconds * 1e9))
    }

    @Test func aSecondsWorthGoesThroughAtOnce() {
        var bucket = TokenBucket(perSecond: 10, now: 0)
        for _ in 0..<10 {
            let wait = self.take(&bucket, 1, at: 0)
            #expect(wait == nil)
        }
        let wait = self.take(&bucket, 1, at: 0)
        #expect(wait == 0.1)
    }

    @Test func aRefusedTakeTakesNothing() {
        var bucket = TokenBucket(perSecond: 10, now: 0)
        _ = self.take(&bucket, 8, at: 0)
        let first = self.take(&bucket, 5, at: 0)
        let second = self.take(&bucket, 5, at: 0)
        let fits = self.take(&bucket, 2, at: 0)
        #expect(first == 0.3)
        #expect(second == 0.3)
        #expect(fits == nil)
    }

    @Test func itRefillsEvenlyAndNeverBeyondASecondsWorth() {
        var bucket = TokenBucket(perSecond: 10, now: 0)
        _ = self.take(&bucket, 10, at: 0)
        let early = self.take(&bucket, 5, at: 0.4)
        let due = self.take(&bucket, 5, at: 0.5)
        #expect(early != nil)
        #expect(due == nil)
        let full = self.take(&bucket, 10, at: 3600)
        let beyond = self.take(&bucket, 1, at: 3600)
        #expect(full == nil)
        #expect(beyond == 0.1)
    }

    @Test func theWaitIsEnough() throws {
        var bucket = TokenBucket(perSecond: 3, now: 0)
        _ = self.take(&bucket, 3, at: 0)
        let wait = try #require(self.take(&bucket, 2, at: 0))
        let after = self.take(&bucket, 2, at: wait + 0.000_001)
        #expect(after == nil)
    }

    @Test func moreThanTheBucketHoldsIsGrantedToAFullOneWhichThenOwesTheRest() throws {
        var bucket = TokenBucket(perSecond: 10, now: 0)
        let granted = self.take(&bucket, 35, at: 0)
        #expect(granted == nil)
        let owed = try #require(self.take(&bucket, 1, at: 0))
        #expect(abs(owed - 2.6) < 1e-9)
        let early = self.take(&bucket, 35, at: 3.4)
        #expect(early != nil)
        let due = self.take(&bucket, 35, at: 3.5)
        #expect(due == nil)
    }

    @Test func aRateBelowOneStillLetsAnEventThrough() throws {
        var bucket = TokenBucket(perSecond: 0.01, now: 0)
        let first = self.take(&bucket, 1, at: 0)
        let wait = try #require(self.take(&bucket, 1, at: 0))
        #expect(first == nil)
        #expect(abs(wait - 100) < 1e-6)
    }

    @Test func aClockThatGoesBackGivesNothing() {
        var bucket = TokenBucket(perSecond: 10, now: 5 * self.second)
        _ = bucket.take(10, now: 5 * self.second)
        let back = bucket.take(1, now: 0)
        let again = bucket.take(1, now: 5 * self.second)
        #expect(back == 0.1)
        #expect(again == 0.1)
    }

    @Test func overALongTimeTheRateHolds() {
        var bucket = TokenBucket(perSecond: 100, now: 0)
        var granted = 0
        for step in 0..<10_000 where bucket.take(3, now: Int64(step) * 10_000_000) == nil { granted += 3 }
        // A hundred seconds, and the first second's worth on top.
        #expect(10_000...10_100 ~= granted)
    }
}
