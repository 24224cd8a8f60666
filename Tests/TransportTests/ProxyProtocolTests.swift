// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

@Suite struct ProxyProtocolTests {
    private func parse(_ bytes: [UInt8]) -> (outcome: ProxyOutcome, rest: [UInt8]) {
        var buffer = ByteBuffer(bytes: bytes)
        let outcome = ProxyOutcome(&buffer)
        return (outcome, Array(buffer.readableBytesView))
    }

    @Test(
        arguments: [
            ("PROXY TCP4 203.0.113.7 192.0.2.1 40000 443\r\n", ProxyOutcome.peer("203.0.113.7", 40_000)),
            ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", .peer("255.255.255.255", 65_535)),
            ("PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n", .peer("2001:db8::7", 40_000)),
            ("PROXY UNKNOWN\r\n", .local),
            ("PROXY UNKNOWN ffff:f:f::f 65535 anything\r\n", .local),
            ("GET / HTTP/1.1\r\n", .error(.notAProxyHeader)),
            ("POST / HTTP/1.1\r\n", .error(.notAProxyHeader)),
            ("PROXY\r\n", .error(.notAProxyHeader)),
            ("PROXX TCP4 ", .error(.notAProxyHeader)),
            ("proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n", .error(.notAProxyHeader)),
            ("\r\nGET", .error(.notAProxyHeader)),
            ("PROXY TCP4 203.0.113.7 192.0.2.1 40000 443\n", .error(.malformed)),
            ("PROXY \r\n", .error(.malformed)),
            ("PROXY TCP4\r\n", .error(.malformed)),
            ("PROXY TCP4  203.0.113.7 192.0.2.1 40000 443\r\n", .error(.malformed)),
            ("PROXY TCP4 203.0.113.7 192.0.2.1 40000 443 \r\n", .error(.malformed)),
            ("PROXY TCP4 203.0.113.7 192.0.2.1 70000 443\r\n", .error(.malformed)),
            ("PROXY TCP4 203.0.113.7 192.0.2.1 40000 70000\r\n", .error(.malformed)),
            ("PROXY TCP4 203.0.113.7 192.0.2.1 -1 443\r\n", .error(.malformed)),
            ("PROXY TCP4 203.0.113.700 192.0.2.1 40000 443\r\n", .error(.malformed)),
            ("PROXY TCP4 example.com 192.0.2.1 40000 443\r\n", .error(.malformed)),
            ("PROXY TCP4 2001:db8::7 2001:db8::1 40000 443\r\n", .error(.malformed)),
            ("PROXY TCP6 203.0.113.7 192.0.2.1 40000 443\r\n", .error(.malformed)),
            ("PROXY UDP4 203.0.113.7 192.0.2.1 40000 443\r\n", .error(.malformed)),
        ] as [(String, ProxyOutcome)])
    func aVersion1LineSaysWhoThePeerIs(line: String, outcome: ProxyOutcome) {
        #expect(self.parse(Array(line.utf8)).outcome == outcome)
    }

    @Test(arguments: [
        (
            ProxyHeader(family: 0x11, addresses: [203, 0, 113, 7, 192, 0, 2, 1, 0x9C, 0x40, 1, 0xBB]),
            ProxyOutcome.peer("203.0.113.7", 40_000)
        ),
        (
            ProxyHeader(
                family: 0x21,
                addresses: [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [7]
                    + [UInt8](repeating: 0, count: 16) + [0x9C, 0x40, 1, 0xBB]), .peer("2001:db8::7", 40_000)
        ),
        (ProxyHeader(verb: 0x20, family: 0x00, addresses: []), .local),
        (ProxyHeader(verb: 0x20, family: 0x11, addresses: [UInt8](repeating: 9, count: 12)), .local),
        (ProxyHeader(family: 0x00, addresses: []), .local),
        (ProxyHeader(family: 0x12, addresses: [UInt8](repeating: 9, count: 12)), .local),
        (ProxyHeader(family: 0x31, addresses: [UInt8](repeating: 9, count: 216)), .local),
        (ProxyHeader(verb: 0x11, family: 0x11, addresses: [UInt8](repeating: 9, count: 12)), .error(.malformed)),
        (ProxyHeader(verb: 0x22, family: 0x11, addresses: [UInt8](repeating: 9, count: 12)), .error(.malformed)),
        (ProxyHeader(family: 0x11, addresses: [UInt8](repeating: 9, count: 9)), .error(.malformed)),
        (ProxyHeader(family: 0x21, addresses: [UInt8](repeating: 9, count: 12)), .error(.malformed)),
    ])
    func aVersion2HeaderSaysWhoThePeerIs(header: ProxyHeader, outcome: ProxyOutcome) {
        let (found, rest) = self.parse(header.bytes + Array("GET".utf8))
        #expect(found == outcome)
        if case .error = outcome { return }
        #expect(rest == Array("GET".utf8))
    }

    @Test func additionalFieldsAreSkippedUpToABound() {
        let addresses: [UInt8] = [203, 0, 113, 7, 192, 0, 2, 1, 0x9C, 0x40, 1, 0xBB]
        let fits = ProxyHeader(family: 0x11, addresses: addresses + [UInt8](repeating: 4, count: 4084))
        #expect(self.parse(fits.bytes + [71]).outcome == .peer("203.0.113.7", 40_000))
        #expect(self.parse(fits.bytes + [71]).rest == [71])
        let tooLong = ProxyHeader(family: 0x11, addresses: addresses + [UInt8](repeating: 4, count: 4085))
        #expect(self.parse(Array(tooLong.bytes.prefix(16))).outcome == .error(.malformed))
    }

    @Test(arguments: ProxyHeader.samples)
    func everyTruncationAsksForMoreAndTakesNothing(bytes: [UInt8]) {
        for count in 0..<bytes.count {
            let part = Array(bytes.prefix(count))
            let (outcome, rest) = self.parse(part)
            #expect(outcome == .incomplete)
            #expect(rest == part)
        }
        #expect(self.parse(bytes).outcome != .incomplete)
        #expect(self.parse(bytes).rest.isEmpty)
    }

    @Test func aVersion1LineThatDoesNotEndIsMalformedAtItsBound() {
        let line = Array(("PROXY UNKNOWN " + String(repeating: "x", count: 200)).utf8)
        #expect(self.parse(Array(line.prefix(106))).outcome == .incomplete)
        #expect(self.parse(Array(line.prefix(107))).outcome == .error(.malformed))
        let longest = Array(("PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n").utf8)
        #expect(longest.count == 107)
        #expect(self.parse(longest).outcome == .local)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func randomBytesNeverTakeMoreThanTheyHoldAndGiveTheSameHoweverCut(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var bytes = ProxyHeader.samples.randomElement(using: &random) ?? []
            bytes += (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            let (whole, rest) = self.parse(bytes)
            #expect(bytes.suffix(rest.count).elementsEqual(rest))

            // As it comes from a socket: byte by byte until the parser has decided.
            var collected = ByteBuffer()
            var outcome = ProxyOutcome.incomplete
            for byte in bytes where outcome == .incomplete {
                collected.writeInteger(byte)
                outcome = ProxyOutcome(&collected)
            }
            #expect(outcome == whole)
        }
    }
}
