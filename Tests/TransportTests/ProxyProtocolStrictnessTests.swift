// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// "Any sequence which does not exactly match the protocol must not be treated as valid" (sections 2.1 and 2.2).
@Suite struct ProxyProtocolStrictnessTests {
    private func parse(_ bytes: [UInt8]) -> ProxyOutcome {
        var buffer = ByteBuffer(bytes: bytes)
        return ProxyOutcome(&buffer)
    }

    @Test(arguments: [
        "PROXY TCP4 203.0.113.7 nonsense 40000 443\r\n", "PROXY TCP4 203.0.113.7 2001:db8::1 40000 443\r\n",
        "PROXY TCP4 203.0.113.7 192.0.2.1 +40000 443\r\n", "PROXY TCP4 203.0.113.7 192.0.2.1 40000 +443\r\n",
        "PROXY TCP4 203.0.113.7  40000 443\r\n",
    ])
    func bothAddressesAndPortsOfVersion1AreChecked(line: String) {
        #expect(self.parse(Array(line.utf8)) == .error(.malformed))
    }

    @Test(arguments: [(0x11, 10), (0x11, 11), (0x21, 34), (0x21, 35)] as [(UInt8, Int)])
    func version2NeedsRoomForBothAddressesAndPorts(family: UInt8, length: Int) {
        let header = ProxyHeader(family: family, addresses: [UInt8](repeating: 9, count: length))
        #expect(self.parse(header.bytes) == .error(.malformed))
    }
}
