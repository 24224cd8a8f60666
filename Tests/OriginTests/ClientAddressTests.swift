// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOHTTP1
import Testing

@testable import Origin

@Suite struct ClientAddressTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("192.0.2.128/25", "192.0.2.128", true), ("192.0.2.128/25", "192.0.2.127", false),
        ("192.0.2.77/26", "192.0.2.64", true), ("192.0.2.77/26", "192.0.2.63", false),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
        ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "::1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::/33", "2001:db8:8000::1", false), ("::/0", "2001:db8::1", true), ("::/0", "10.0.0.1", false),
        ("::1", "0:0:0:0:0:0:0:1", true), ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("10.0.0.0/8", "", false),
        ("10.0.0.0/8", "unknown", false), ("10.0.0.0/8", "unix", false),
    ])
    func aRangeContainsItsAddresses(range: String, address: String, isInside: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(address) == isInside)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.256",
        "example.com", "2001:db8::/129", "2001:db8::/x", "10.0.0.0/8 ", "[::1]", "10.0.0.1:80",
    ])
    func anythingElseIsNoRange(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
        ("::2", false), ("unix", false), ("", false), ("10.0.0.1", false),
    ])
    func loopbackIsTold(address: String, isLoopback: Bool) {
        #expect(AddressRange.isLoopback(address) == isLoopback)
    }

    // MARK: Chains. 10.0.0.0/8 and 2001:db8:1::/48 are trusted, 10.0.0.1 speaks.

    private func resolve(_ fields: [(String, String)], peer: String = "10.0.0.1", isTrusting: Bool = true) -> String {
        let trusted = isTrusting ? ["10.0.0.0/8", "2001:db8:1::/48"].compactMap(AddressRange.init) : []
        return ClientAddress.resolve(peer: peer, headers: HTTPHeaders(fields), trusted: trusted)
    }

    @Test(arguments: [
        ("203.0.113.7", "203.0.113.7"), ("203.0.113.7, 10.0.0.9", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"), ("10.0.0.8,10.0.0.9", "10.0.0.8"),
        (" 203.0.113.7\t", "203.0.113.7"), ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"), ("[2001:db8::7]:4711", "2001:db8::7"),
        ("203.0.113.7, 2001:db8:1::2", "203.0.113.7"), ("", "10.0.0.1"), ("unknown", "10.0.0.1"),
        ("203.0.113.7, unknown", "10.0.0.1"), ("203.0.113.7, unknown, 10.0.0.9", "10.0.0.9"), (",", "10.0.0.1"),
        ("203.0.113.7,, 10.0.0.9", "203.0.113.7"), ("evil\"\n, 203.0.113.7", "203.0.113.7"),
    ])
    func forwardedForIsReadFromTheRight(value: String, client: String) {
        #expect(self.resolve([("X-Forwarded-For", value)]) == client)
    }

    @Test(arguments: [
        ("for=203.0.113.7", "203.0.113.7"), ("For=\"203.0.113.7:80\"", "203.0.113.7"),
        ("for=\"[2001:db8::7]:4711\"", "2001:db8::7"), ("for=\"[2001:db8::7]\"", "2001:db8::7"),
        ("for=203.0.113.7;proto=https;by=10.0.0.2", "203.0.113.7"), ("proto=https; for=203.0.113.7", "203.0.113.7"),
        ("for=1.1.1.1, for=203.0.113.7, for=10.0.0.9", "203.0.113.7"), ("for=_hidden", "10.0.0.1"),
        ("for=unknown, for=10.0.0.9", "10.0.0.9"), ("proto=https", "10.0.0.1"), ("for=", "10.0.0.1"),
    ])
    func forwardedIsReadFromTheRight(value: String, client: String) {
        #expect(self.resolve([("Forwarded", value)]) == client)
    }

    @Test func severalFieldsAreOneList() {
        let fields = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.7, 10.0.0.9")]
        #expect(self.resolve(fields) == "203.0.113.7")
    }

    @Test func forwardedGoesBeforeForwardedFor() {
        #expect(self.resolve([("X-Forwarded-For", "1.1.1.1"), ("Forwarded", "for=203.0.113.7")]) == "203.0.113.7")
    }

    @Test func anUntrustedPeerIsNotBelieved() {
        #expect(self.resolve([("X-Forwarded-For", "1.1.1.1")], peer: "203.0.113.9") == "203.0.113.9")
        #expect(self.resolve([("Forwarded", "for=1.1.1.1")], peer: "unix") == "unix")
        #expect(self.resolve([("X-Forwarded-For", "1.1.1.1")], isTrusting: false) == "10.0.0.1")
    }

    @Test func onlyTheEndOfALongChainIsLookedAt() {
        let hops = ["203.0.113.7"] + (0..<40).map { "10.0.1.\($0)" }
        #expect(self.resolve([("X-Forwarded-For", hops.joined(separator: ", "))]) == "10.0.1.8")
    }
}
