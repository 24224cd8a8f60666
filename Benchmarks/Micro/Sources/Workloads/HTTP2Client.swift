// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

/// The peer of an HTTP/2 connection: what a browser sends, with windows that are never the limit.
struct HTTP2Client {
    private var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
    private var lastStreamID: UInt32 = 0

    static let largestWindow = 0x7fff_ffff

    /// Preface, SETTINGS with the largest window for each stream, and the acknowledgement of the server's.
    static let greeting: [UInt8] =
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        + frame(4, 0, 0, [0, 4] + word(UInt32(largestWindow))) + frame(4, 1, 0, [])

    /// Chromium's request for an event stream, field for field.
    static let request: HPACKHeaders = [
        ":method": "GET", ":authority": "events.example.com", ":scheme": "https", ":path": "/channels/news/events",
        "pragma": "no-cache", "cache-control": "no-cache", "sec-ch-ua-platform": "\"Linux\"",
        "user-agent":
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        "accept": "text/event-stream",
        "sec-ch-ua": "\"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"",
        "sec-ch-ua-mobile": "?0", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors",
        "sec-fetch-dest": "empty", "referer": "https://events.example.com/", "accept-encoding": "gzip, deflate, br",
        "accept-language": "en-GB,en;q=0.9", "priority": "u=1, i",
    ]

    /// HEADERS that open the next stream and end its request.
    /// - Parameter traceNumber: the request belongs to this trace, which is sampled.
    mutating func nextRequest(traceNumber: Int? = nil) throws -> ByteBuffer {
        self.lastStreamID = self.lastStreamID == 0 ? 1 : self.lastStreamID + 2
        var headers = Self.request
        if let traceNumber {
            let digits = String(traceNumber, radix: 16)
            let trace = String(repeating: "0", count: 32 - digits.count) + digits
            headers.add(name: "traceparent", value: "00-\(trace)-00f067aa0ba902b7-01")
        }
        var block = ByteBuffer()
        try self.encoder.encode(headers: headers, to: &block)
        return ByteBuffer(bytes: Self.frame(1, 5, self.lastStreamID, Array(block.readableBytesView)))
    }

    /// Opens the connection's window by so many bytes.
    static func windowUpdate(by increment: Int) -> ByteBuffer {
        ByteBuffer(bytes: self.frame(8, 0, 0, self.word(UInt32(increment))))
    }

    /// RFC 9113, section 4.1.
    private static func frame(_ type: UInt8, _ flags: UInt8, _ streamID: UInt32, _ payload: [UInt8]) -> [UInt8] {
        Array(self.word(UInt32(payload.count))[1...]) + [type, flags] + self.word(streamID) + payload
    }

    private static func word(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
}
