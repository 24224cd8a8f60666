// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A response's status line and field section (RFC 9112, section 4 and 5), with the framing fields that HTTP/1.1 needs.

import NIOCore
import NIOHTTP1

enum HTTP1ResponseEncoder {
    /// How the end of the body is told.
    enum Framing {
        case contentLength(Int)
        case chunked
        /// HTTP/1.0: the end of the connection ends the body.
        case untilClose
        /// 1xx, 204, 304: there is no body.
        case none
    }

    static func write(
        _ response: Response,
        framing: Framing,
        date: String,
        closes: Bool,
        into buffer: inout ByteBuffer
    ) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(response.status.code))
        buffer.writeStaticString(" ")
        buffer.writeString(response.status.reasonPhrase)
        buffer.writeStaticString("\r\nDate: ")
        buffer.writeString(date)
        buffer.writeStaticString("\r\n")
        for (name, value) in response.headers { self.write(name, value, into: &buffer) }
        for (name, value) in response.ownHeaders { self.write(name, value, into: &buffer) }
        switch framing {
        case .contentLength(let count):
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString(String(count))
            buffer.writeStaticString("\r\n")
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .untilClose, .none: break
        }
        buffer.writeStaticString(closes ? "Connection: close\r\n\r\n" : "\r\n")
    }

    private static func write(_ name: String, _ value: String, into buffer: inout ByteBuffer) {
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }
}
