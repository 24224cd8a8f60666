// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct PublishAuthorizationTests {
    private let news: ChannelName
    private let withTokens: PublishAuthorization
    private let withoutTokens = PublishAuthorization(tokens: [])

    init() throws {
        self.news = try #require(ChannelName("news"))
        self.withTokens = PublishAuthorization(tokens: [
            try PublishToken(secret: "token-for-news", patterns: ["news"]),
            try PublishToken(secret: "token-for-llm", patterns: ["llm-*"]),
        ])
    }

    @Test func withoutTokensOnlyTheAdminListenerOnThisMachineMayPublish() {
        let judge = { self.withoutTokens.judge(authorization: $0, channel: self.news, isAdminLoopback: $1) }
        #expect(judge(nil, true) == .allowed)
        #expect(judge("Bearer whatever", true) == .allowed)
        guard case .forbidden(let text) = judge("Bearer whatever", false) else {
            Issue.record("publishing without tokens was not forbidden")
            return
        }
        #expect(text.contains("publish-token-file"))
    }

    @Test(arguments: [
        "Bearer token-for-news", "bearer token-for-news", "BEARER token-for-news", "Bearer  token-for-news",
    ])
    func aKnownTokenMayPublishToItsChannels(authorization: String) {
        for isAdminLoopback in [true, false] {
            let verdict = self.withTokens.judge(
                authorization: authorization, channel: self.news, isAdminLoopback: isAdminLoopback
            )
            #expect(verdict == .allowed)
        }
    }

    @Test func withTokensTheAdminListenerNeedsOneToo() {
        guard case .unauthenticated = self.verdict(nil, isAdminLoopback: true) else {
            Issue.record("no token was needed")
            return
        }
    }

    @Test(
        arguments: [
            nil, "", "Bearer", "token-for-news", "Basic token-for-news", "Bearer token-for-news x",
            "Bearer token-for-new",
            "Bearer token-for-newsx", "Bearer TOKEN-FOR-NEWS", "Bearer token-for-newstoken-for-news",
            "Bearer token-for-llX",
        ] as [String?])
    func anythingElseIsUnauthenticatedAndNotRepeated(authorization: String?) {
        guard case .unauthenticated(let text) = self.verdict(authorization) else {
            Issue.record("\(authorization ?? "nothing") was taken")
            return
        }
        #expect(!text.contains("token-for"))
    }

    @Test func aTokenForOtherChannelsIsForbidden() {
        let expected = PublishAuthorization.Verdict.forbidden(
            "This token may not publish to channel \"news\"; use one that may."
        )
        #expect(self.verdict("Bearer token-for-llm") == expected)
    }

    private func verdict(_ authorization: String?, isAdminLoopback: Bool = false) -> PublishAuthorization.Verdict {
        self.withTokens.judge(authorization: authorization, channel: self.news, isAdminLoopback: isAdminLoopback)
    }
}
