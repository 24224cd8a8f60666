// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The header by which a load balancer tells who really connected: "The PROXY protocol", versions 1 and 2
// (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, sections 2.1 and 2.2).

import NIOCore

/// What a PROXY header says.
enum ProxyProtocolHeader: Equatable {
    /// The balancer's own connection, such as a health check: the peer is who it is.
    case local
    case proxied(SocketAddress)
}

enum ProxyProtocolError: Error, Equatable, CustomStringConvertible {
    case notAProxyHeader
    case malformed

    var description: String {
        switch self {
        case .notAProxyHeader:
            "The connection does not start with a PROXY header. Switch on send-proxy at the balancer, "
                + "or proxy-protocol off here."
        case .malformed: "The PROXY header is malformed."
        }
    }
}

enum ProxyProtocolParser {
    /// Version 1 is at most 107 bytes; for version 2 that many bytes of addresses and TLVs are accepted at most.
    static let maximumVersion1Length = 107
    static let maximumVersion2Payload = 4096

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// Reads a complete header off `buffer`, or leaves it as it is and returns `nil` if more bytes are needed.
    static func parse(_ buffer: inout ByteBuffer) throws(ProxyProtocolError) -> ProxyProtocolHeader? {
        let view = buffer.readableBytesView
        guard let first = view.first else { return nil }
        if first == UInt8(ascii: "P") { return try self.parseVersion1(&buffer) }
        guard view.prefix(12).elementsEqual(self.signature.prefix(view.count)) else { throw .notAProxyHeader }
        return try self.parseVersion2(&buffer)
    }

    private static func parseVersion1(_ buffer: inout ByteBuffer) throws(ProxyProtocolError) -> ProxyProtocolHeader? {
        let view = buffer.readableBytesView
        guard view.prefix(6).elementsEqual("PROXY ".utf8.prefix(view.count)) else { throw .notAProxyHeader }
        guard let end = view.prefix(Self.maximumVersion1Length).firstIndex(of: 0x0A) else {
            if view.count >= Self.maximumVersion1Length { throw .malformed }
            return nil
        }
        let line = String(decoding: view[view.startIndex..<end], as: UTF8.self)
        guard line.hasSuffix("\r") else { throw .malformed }
        let words = line.dropLast().split(separator: " ", omittingEmptySubsequences: false)
        buffer.moveReaderIndex(forwardBy: end - view.startIndex + 1)
        guard words.count >= 2 else { throw .malformed }
        if words[1] == "UNKNOWN" { return .local }
        guard words.count == 6, words[1] == "TCP4" || words[1] == "TCP6",
            let source = self.address(words[2], port: words[4]),
            let destination = self.address(words[3], port: words[5]),
            (source.protocol == .inet) == (words[1] == "TCP4"), source.protocol == destination.protocol
        else { throw .malformed }
        return .proxied(source)
    }

    /// Ports are digits alone: Swift's parser would also take a sign.
    private static func address(_ host: Substring, port: Substring) -> SocketAddress? {
        guard port.utf8.allSatisfy(\.isDigit), let port = UInt16(port) else { return nil }
        return try? SocketAddress(ipAddress: String(host), port: Int(port))
    }

    private static func parseVersion2(_ buffer: inout ByteBuffer) throws(ProxyProtocolError) -> ProxyProtocolHeader? {
        let start = buffer.readerIndex
        guard let verb: UInt8 = buffer.getInteger(at: start + 12),
            let family: UInt8 = buffer.getInteger(at: start + 13),
            let length: UInt16 = buffer.getInteger(at: start + 14)
        else { return nil }
        guard verb >> 4 == 2, verb & 15 <= 1, Int(length) <= Self.maximumVersion2Payload else { throw .malformed }
        guard buffer.readableBytes >= 16 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 16)
        guard var payload = buffer.readSlice(length: Int(length)) else { return nil }
        if verb & 15 == 0 { return .local }
        // High nibble: address family (1 IPv4, 2 IPv6); low nibble: 1 is a stream. Others carry no peer we can use.
        let addressLength: Int
        switch family {
        case 0x11: addressLength = 4
        case 0x21: addressLength = 16
        default: return .local
        }
        guard let source = payload.readSlice(length: addressLength),
            payload.readSlice(length: addressLength) != nil, let port: UInt16 = payload.readInteger(),
            payload.readInteger(as: UInt16.self) != nil,
            let address = try? SocketAddress(packedIPAddress: source, port: Int(port))
        else { throw .malformed }
        return .proxied(address)
    }
}
