// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct ChannelKeyTests {
    @Test(arguments: ["a", "Z", "0", "news", "llm-token.7", "user:42@example.com", "a._~:@-", "events"])
    func aNameIsTaken(text: String) {
        #expect(ChannelName(text)?.text == text)
    }

    @Test(arguments: [
        "", ".", "-a", "_a", "~a", ":a", "@a", " a", "a b", "a/b", "a%20b", "a+b", "a,b", "a*", "caf\u{E9}", "a\n",
        "a\0", "a\"b", "a\\b", "a=b", "a?b", "a#b", "\u{661}",
    ])
    func anyOtherCharacterIsRefused(text: String) {
        #expect(ChannelName(text) == nil)
    }

    @Test func aNameIsAtMost128Bytes() {
        #expect(ChannelName(String(repeating: "a", count: 128)) != nil)
        #expect(ChannelName(String(repeating: "a", count: 129)) == nil)
    }

    @Test func namesDifferByCase() {
        #expect(ChannelName("News") != ChannelName("news"))
    }

    @Test func aMeasurementChannelIsNamedByItsParameters() {
        let key = ChannelKey.synthetic(SyntheticParameters(intervalMilliseconds: 50, sizeBytes: 100, profile: .llm))
        #expect(key.text == "events?interval=50&size=100&profile=llm&seed=1")
        #expect(key == .synthetic(SyntheticParameters(intervalMilliseconds: 50, sizeBytes: 100, profile: .llm)))
        #expect(key != .synthetic(SyntheticParameters(intervalMilliseconds: 50, sizeBytes: 101, profile: .llm)))
    }

    @Test func noNameIsThatOfAMeasurementChannel() {
        #expect(ChannelName(ChannelKey.synthetic(SyntheticParameters()).text) == nil)
    }

    @Test func theHomeIsAlwaysTheSameLoop() throws {
        // FNV-1a of "news" is 0x63e8dd1cae7fe4a7; the value is fixed so that two runs can be compared.
        let key = ChannelKey.named(try #require(ChannelName("news")))
        #expect(key.home(among: 1) == 0)
        #expect(key.home(among: 7) == Int(FNV1a.hash("news") % 7))
    }

    @Test(arguments: [0, -1])
    func thereIsAHomeEvenWithoutLoops(loops: Int) throws {
        #expect(ChannelKey.named(try #require(ChannelName("news"))).home(among: loops) == 0)
    }

    @Test func homesAreSpreadOverTheLoops() throws {
        var counts = [Int](repeating: 0, count: 8)
        for number in 0..<8000 {
            counts[ChannelKey.named(try #require(ChannelName("channel-\(number)"))).home(among: 8)] += 1
        }
        #expect(counts.allSatisfy { 800...1200 ~= $0 })
    }
}

/// The hash as its specification states it (draft-eastlake-fnv), apart from the code under test.
private enum FNV1a {
    static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }
}
