// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct PublishStrictnessTests {
    @Test(arguments: [["news", "llm"], ["llm", "news"]])
    func aTokenThatIsNamedTwiceIsGoodForBothItsPatterns(patterns: [String]) throws {
        // As two lines of the file, or one in the file and one in the environment.
        let authorization = PublishAuthorization(
            tokens: try patterns.map { try PublishToken(secret: "same-token", patterns: [$0]) }
        )
        let channel = try #require(ChannelName("news"))
        let verdict = authorization.judge(
            authorization: "Bearer same-token", channel: channel, isAdminLoopback: false
        )
        #expect(verdict == .allowed)
    }

    @Test(arguments: ["12345678=news;\n", "12345678=news; ", " ; 12345678=news"])
    func whitespaceBetweenEntriesOfAListIsNoEntry(text: String) throws {
        #expect(try PublishToken.parse(list: text).count == 1)
    }

    @Test(arguments: [(-1_000_000, "-0.001"), (-2_000_000, "-0.002"), (-99_000_000, "-0.099")] as [(Int64, String)])
    func negativeTimesAreShownAsSuch(nanoseconds: Int64, text: String) {
        #expect(Milliseconds(nanoseconds).description == text)
    }
}
