// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Origin

@Suite struct QueryTests {
    @Test func namesAndValuesKeepTheirOrder() {
        let query = Query("channel=a&x=1&channel=b&channel=a")
        #expect(query.first("channel") == "a")
        #expect(query.all("channel") == ["a", "b", "a"])
        #expect(query.first("y") == nil)
        #expect(query.all("y").isEmpty)
    }

    @Test(arguments: [nil, "", "&", "&&&"] as [String?])
    func nothingIsAnEmptyQuery(text: String?) {
        #expect(Query(text) == Query(nil))
        #expect(Query(text).first("") == nil)
    }

    @Test(arguments: [
        ("a", ""), ("a=", ""), ("a=b", "b"), ("a=b=c", "b=c"), ("a==", "="), ("&a=b&", "b"), ("a=b+c", "b c"),
        ("a=b%20c", "b c"), ("a=b%2Bc", "b+c"), ("%61=x", "x"), ("a=%26%3d", "&="), ("a=1&a=2", "1"),
    ])
    func theValueOfAIsDecoded(text: String, value: String) {
        #expect(Query(text).first("a") == value)
    }

    @Test func aPlusInANameIsASpaceToo() {
        #expect(Query("a+b=1").first("a b") == "1")
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("%41", "A"), ("%4a%4A", "JJ"), ("%", "%"), ("%4", "%4"), ("%%41", "%A"),
        ("%zz", "%zz"), ("%4g", "%4g"), ("100%", "100%"), ("%25", "%"), ("%2541", "%41"), ("%C3%A9", "é"),
        ("%ff", "\u{FFFD}"), ("%00", "\0"), ("a/b", "a/b"), ("é", "é"),
    ])
    func percentSignsAreDecodedOnce(text: String, decoded: String) {
        #expect(PercentEncoding.decode(text, plusIsSpace: false) == decoded)
    }

    @Test func aPlusIsASpaceOnlyInAQuery() {
        #expect(PercentEncoding.decode("a+b", plusIsSpace: false) == "a+b")
        #expect(PercentEncoding.decode("a+b", plusIsSpace: true) == "a b")
        #expect(PercentEncoding.decode("a%2Bb", plusIsSpace: true) == "a+b")
    }

    @Test func everyEncodedByteOfASCIIComesBack() {
        for code in 0..<128 as Range<UInt8> {
            let digits = String(code, radix: 16)
            let text = "%\(digits.count < 2 ? "0" : "")\(digits)"
            #expect(PercentEncoding.decode(text, plusIsSpace: true).utf8.elementsEqual([code]))
        }
    }
}
