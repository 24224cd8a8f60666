// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct BaggageTests {
    @Test(arguments: [
        ("a=1", "a=1"), (" a = 1 ,b=2", "a=1,b=2"), ("a=1;ttl=5;x", "a=1;ttl=5;x"), ("a=", "a="),
        ("a=%E2%82%AC", "a=%E2%82%AC"), ("a=x%2cy", "a=x%2Cy"), ("a=1,a=2", "a=2"), ("a=%25", "a=%25"),
        // What is malformed goes alone.
        ("nonsense,a=1", "a=1"), ("=1,a=1", "a=1"), ("a b=1,c=1", "c=1"), ("a=%4,b=1", "b=1"), ("a=x y,b=1", "b=1"),
        ("a=\"1\",b=1", "b=1"),
    ])
    func membersSurviveTheRoundTrip(header: String, text: String) {
        #expect(Baggage(headers: [header]).text == text)
    }

    @Test func aValueIsDecoded() {
        #expect(Baggage(headers: ["a=%C3%A9%20%2C"]).members == [.init(name: "a", value: "é ,")])
        #expect(Baggage(headers: [String]()).text == nil)
    }

    @Test func moreThanTheLimitsAllowIsCutFromTheEnd() {
        let many = (0..<100).map { "k\($0)=v" }.joined(separator: ",")
        #expect(Baggage(headers: [many]).members.map(\.name) == (0..<64).map { "k\($0)" })
        let long = "a=1,b=" + String(repeating: "x", count: 8192) + ",c=1"
        #expect(Baggage(headers: [long]).members.map(\.name) == ["a"])
    }
}
