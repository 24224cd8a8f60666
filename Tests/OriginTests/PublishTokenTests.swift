// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct PublishTokenTests {
    private func reason(_ body: () throws(PublishToken.Invalid) -> [PublishToken]) -> String? {
        do throws(PublishToken.Invalid) {
            _ = try body()
            return nil
        } catch {
            return error.description
        }
    }

    private func token(_ secret: String, _ patterns: String...) throws(PublishToken.Invalid) -> PublishToken {
        try PublishToken(secret: secret, patterns: patterns)
    }

    @Test(arguments: ["12345678", "abcDEF0-._~+/=", String(repeating: "x", count: 500)])
    func aTokenIsTaken(secret: String) throws {
        #expect(try self.token(secret, "*").secret == Array(secret.utf8))
    }

    @Test(arguments: ["", "1234567", "with space", "quote\"quote", "umläut-umläut", "semi;colon", "new\nline-token"])
    func anotherTokenIsRefusedWithoutShowingIt(secret: String) throws {
        let reason = try #require(self.reason { () throws(PublishToken.Invalid) in [try self.token(secret, "*")] })
        #expect(reason == "a token needs at least 8 of the characters A-Z a-z 0-9 - . _ ~ + / =")
    }

    @Test(arguments: [[], [""], ["a b"], ["news", ""], ["/"], ["-a"], ["a,b"]])
    func patternsAreChannelNamesWithStars(patterns: [String]) {
        #expect(throws: PublishToken.Invalid.self) { try PublishToken(secret: "12345678", patterns: patterns) }
    }

    @Test(arguments: [
        ("news", "news", true), ("news", "news2", false), ("news", "new", false), ("News", "news", false),
        ("*", "anything", true), ("**", "anything", true), ("llm-*", "llm-", true), ("llm-*", "llm-7", true),
        ("llm-*", "xllm-7", false), ("*-out", "a-out", true), ("*-out", "a-out-b", false), ("*-out", "a-out-out", true),
        ("a*b*c", "aXbXc", true), ("a*b*c", "abc", true), ("a*b*c", "acb", false), ("a*b*c", "abcbc", true),
        ("a*a", "a", false), ("a*a", "aa", true), ("user.*", "user:1", false),
    ])
    func aStarStandsForAnyCharacters(pattern: String, name: String, isAllowed: Bool) throws {
        let token = try self.token("12345678", pattern)
        #expect(token.allows(try #require(ChannelName(name))) == isAllowed)
    }

    @Test func aCunningPatternCostsLittle() throws {
        let token = try self.token("12345678", String(repeating: "a*", count: 60) + "b")
        #expect(!token.allows(try #require(ChannelName(String(repeating: "a", count: 128)))))
    }

    @Test func anyOfThePatternsIsEnough() throws {
        let token = try self.token("12345678", "news", "llm-*")
        #expect(token.allows(try #require(ChannelName("llm-1"))))
        #expect(!token.allows(try #require(ChannelName("other"))))
    }

    // MARK: Forms

    @Test func aFileHasATokenOnEachLine() throws {
        let text = "# who may\r\n\n12345678 news\nabcdefgh\ta-*,b , c\n  indented= *  \n #12345678 x"
        let expected = [
            try self.token("12345678", "news"), try self.token("abcdefgh", "a-*", "b", "c"),
            try self.token("indented=", "*"),
        ]
        #expect(try PublishToken.parse(file: text) == expected)
        #expect(try PublishToken.parse(file: "") == [])
    }

    @Test(arguments: [("12345678 ok\n\nshort *", 3), ("12345678", 1), ("# c\n12345678 a/b", 2)])
    func aBadLineIsNamedWithoutShowingItsToken(text: String, line: Int) throws {
        let reason = try #require(self.reason { () throws(PublishToken.Invalid) in try PublishToken.parse(file: text) })
        #expect(reason.hasPrefix("line \(line): "))
        #expect(!reason.contains("short"))
        #expect(!reason.contains("12345678"))
    }

    @Test func aListDividesByTheLastEqualsSign() throws {
        let expected = [try self.token("12345678", "news", "llm-*"), try self.token("padded==", "*")]
        #expect(try PublishToken.parse(list: "12345678=news,llm-*;padded===*") == expected)
        #expect(try PublishToken.parse(list: " 12345678 = news , llm-* ;padded===*;") == expected)
        #expect(try PublishToken.parse(list: "") == [])
    }

    @Test(arguments: ["12345678", "12345678=", "=news", "short=news", "12345678=a b/c"])
    func aBadListIsRefused(text: String) {
        #expect(throws: PublishToken.Invalid.self) { try PublishToken.parse(list: text) }
    }
}
