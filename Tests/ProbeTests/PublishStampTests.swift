// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Probe

@Suite("What a publisher wrote into an event about itself")
struct PublishStampTests {
    let stamp = PublishStamp()

    @Test func theMeasurementChannelsHaveNumberAndNanoseconds() {
        let event = #"{"seq":17,"ts":1795354363441835384,"pad":"…"}"#
        #expect(stamp.sequence(in: event) == 17)
        #expect(stamp.time(in: event) == 1_795_354_363_441_835_384)
    }

    @Test(arguments: [
        ("1795354363441", 1_795_354_363_441_000_000), ("1795354363441835", 1_795_354_363_441_835_000),
        ("\"1795354363441835384\"", 1_795_354_363_441_835_384), ("1795354363.5", 1_795_354_363_500_000_000),
    ])
    func theUnitOfATimeIsToldBySize(text: String, expected: Int64) {
        #expect(stamp.time(in: "{\"ts\": \(text)}") == expected)
    }

    @Test(arguments: ["{\"ts\":1795354363}", "{\"ts\":true}", "[1795354363441]", "ts: 1795354363441", "", "{\"ts\""])
    func whatIsNoPreciseTimeIsNone(event: String) {
        #expect(stamp.time(in: event) == nil)
    }

    @Test func aValueOfTheSameNameIsNoMember() {
        #expect(stamp.sequence(in: #"{"name":"seq","seq":5}"#) == 5)
    }
}
