// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Frames as a client writes them. What they allow the server is noted in the client's books before they are sent.

enum H2Frames {
    static func frame(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 0xff), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), type, flags]
            + octets(stream) + payload
    }

    static func octets(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32, _ client: inout H2OutputReader) -> [UInt8] {
        let allowed = Int(increment & 0x7fff_ffff)
        if stream & 0x7fff_ffff == 0 {
            client.connectionAllowance += allowed
        } else {
            client.streamAllowances[stream & 0x7fff_ffff, default: 0] += allowed
        }
        return frame(8, 0, stream, octets(increment))
    }

    static func settings(_ settings: [(UInt16, UInt32)], _ client: inout H2OutputReader) -> [UInt8] {
        for (identifier, value) in settings {
            if identifier == 4 { client.largestInitialWindow = max(client.largestInitialWindow, Int(value)) }
            if identifier == 5 { client.largestFrameSize = max(client.largestFrameSize, Int(value & 0xff_ffff)) }
        }
        return frame(4, 0, 0, settings.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xff)] + octets($0.1) })
    }

    /// A field block by hand: literals, with incremental indexing if `indexed`.
    static func block(_ fields: [(String, String)], indexed: Bool = false) -> [UInt8] {
        fields.flatMap { name, value in [indexed ? 0x40 : 0] + literal(name) + literal(value) }
    }

    private static func literal(_ text: String) -> [UInt8] {
        let octets = Array(text.utf8)
        guard octets.count >= 127 else { return [UInt8(octets.count)] + octets }
        var length: [UInt8] = [127]
        var rest = octets.count - 127
        while rest >= 128 {
            length.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return length + [UInt8(rest)] + octets
    }

    static let get = [(":method", "GET"), (":scheme", "http"), (":authority", "origin.test"), (":path", "/")]
    static let post = [(":method", "POST"), (":scheme", "http"), (":authority", "origin.test"), (":path", "/")]
}
