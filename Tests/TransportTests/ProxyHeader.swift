// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

@testable import Transport

/// A version 2 PROXY header as its bytes, right or wrong.
struct ProxyHeader {
    var verb: UInt8 = 0x21
    var family: UInt8
    var addresses: [UInt8]

    var bytes: [UInt8] {
        [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, self.verb, self.family]
            + [UInt8(self.addresses.count >> 8), UInt8(self.addresses.count & 255)] + self.addresses
    }

    /// One good header of each kind.
    static let samples: [[UInt8]] = [
        Array("PROXY TCP4 203.0.113.7 192.0.2.1 40000 443\r\n".utf8),
        Array("PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n".utf8),
        Array("PROXY UNKNOWN\r\n".utf8),
        ProxyHeader(family: 0x11, addresses: [203, 0, 113, 7, 192, 0, 2, 1, 0x9C, 0x40, 1, 0xBB]).bytes,
        ProxyHeader(family: 0x21, addresses: [UInt8](1...36)).bytes,
        ProxyHeader(verb: 0x20, family: 0, addresses: []).bytes,
        ProxyHeader(family: 0x11, addresses: [UInt8](1...12) + [3, 0, 2, 1, 2]).bytes,
    ]
}

/// What the parser made of some bytes, in a form that tests compare.
enum ProxyOutcome: Equatable {
    case incomplete
    case local
    case peer(String, Int)
    case error(ProxyProtocolError)

    init(_ buffer: inout ByteBuffer) {
        do throws(ProxyProtocolError) {
            switch try ProxyProtocolParser.parse(&buffer) {
            case nil: self = .incomplete
            case .local: self = .local
            case .proxied(let address): self = .peer(address.ipAddress ?? "none", address.port ?? -1)
            }
        } catch {
            self = .error(error)
        }
    }
}
