// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct EventIDTests {
    @Test(
        arguments: [
            ("abcdefgh.1", 1), ("zzzz7777.0", 0), ("a2a2a2a2.18446744073709551615", .max), ("abcdefgh.007", 7),
        ] as [(String, UInt64)])
    func anIDIsAnEpochAndASequence(text: String, sequence: UInt64) throws {
        let id = try #require(EventID(text))
        #expect(id.epoch.description == String(text.prefix(8)))
        #expect(id.sequence == sequence)
        #expect(id.description == "\(text.prefix(8)).\(sequence)")
    }

    @Test(arguments: [
        "", ".", "abcdefgh", "abcdefgh.", ".1", "abcdefg.1", "abcdefghi.1", "ABCDEFGH.1", "abcdefg1.1", "abcdefg8.1",
        "abcdefgh.-1", "abcdefgh.+1", "abcdefgh. 1", "abcdefgh.1 ", " abcdefgh.1", "abcdefgh.1.2", "abcdefgh..1",
        "abcdefgh.0x1", "abcdefgh.1e3", "abcdefgh.18446744073709551616", "abcdefgh.١", "abcdéfg.1", "abcdefgh,1",
        "abcdefgh.1,abcdefgh.2", "abcdefgh.1.end",
    ])
    func anythingElseIsNoID(text: String) {
        #expect(EventID(text) == nil)
    }

    @Test func everyEpochComesBackFromItsText() {
        for _ in 0..<1000 {
            let epoch = Epoch.random()
            #expect(epoch.description.utf8.count == 8)
            #expect(Epoch(epoch.description) == epoch)
        }
    }

    @Test func epochsAreDrawnAtRandom() {
        #expect(Set((0..<1000).map { _ in Epoch.random() }).count == 1000)
    }

    // MARK: Last-Event-ID

    private func position(_ text: String) throws -> EventID { try #require(EventID(text)) }

    @Test func oneChannelHasOnePosition() throws {
        let expected = LastEventID.positions([try self.position("abcdefgh.5")])
        #expect(LastEventID("abcdefgh.5", channelCount: 1) == expected)
    }

    @Test func severalChannelsHaveAPositionEach() throws {
        let expected = try LastEventID.positions(["abcdefgh.5", "zzzzzzzz.0", "abcdefgh.7"].map(self.position))
        #expect(LastEventID("abcdefgh.5,zzzzzzzz.0,abcdefgh.7", channelCount: 3) == expected)
    }

    @Test(arguments: ["abcdefgh.5.end", "abcdefgh.0.end"], [1, 2])
    func theIDOfAnEndEventIsTheEnd(text: String, channels: Int) {
        #expect(LastEventID(text, channelCount: channels) == .ended)
    }

    @Test(arguments: [
        ("", 1), ("5", 1), ("urn:uuid:1", 1), ("end", 1), (".end", 1), ("abcdefgh.end", 1), ("abcdefgh.5.end.end", 1),
        ("abcdefgh.5.END", 1), ("abcdefgh.5 ", 1), ("abcdefgh.5,", 1), (",abcdefgh.5", 1), ("abcdefgh.5,abcdefgh.6", 1),
        ("abcdefgh.5", 2), ("abcdefgh.5,", 2), ("abcdefgh.5,x", 2), ("abcdefgh.5, abcdefgh.6", 2),
        ("abcdefgh.5,abcdefgh.6,abcdefgh.7", 2), ("abcdefgh.5,abcdefgh.6.end", 2),
    ])
    func whatIsNotOfThisStreamsShapeIsForeign(text: String, channels: Int) {
        #expect(LastEventID(text, channelCount: channels) == .foreign)
    }

    @Test func aLongForeignIDCostsLittle() {
        let text = String(repeating: "abcdefgh.1,", count: 100_000)
        #expect(LastEventID(text, channelCount: 1) == .foreign)
    }
}
