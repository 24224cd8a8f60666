// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Errors for clients as problem details (RFC 9457): a status, a short title, and a sentence that says what to do.

import NIOCore
import NIOHTTP1

extension Response {
    /// - Parameters:
    ///   - detail: one or two sentences: what is wrong with this request, and what to send instead.
    ///   - headers: fields that the status asks for, such as `Retry-After` or `Allow`.
    public static func problem(
        _ status: HTTPResponseStatus,
        detail: String,
        headers: HTTPHeaders = [:]
    ) -> Response {
        var headers = headers
        headers.replaceOrAdd(name: "Content-Type", value: "application/problem+json")
        headers.replaceOrAdd(name: "Cache-Control", value: "no-store")
        // "about:blank" is what a missing `type` means: the status says it all (RFC 9457, section 4.2.1).
        var body = ByteBuffer(string: "{\"status\":\(status.code),\"title\":")
        body.writeJSONString(status.reasonPhrase)
        body.writeStaticString(",\"detail\":")
        body.writeJSONString(detail)
        body.writeStaticString("}\n")
        return Response(status: status, headers: headers, body: body)
    }
}

extension ByteBuffer {
    /// Appends `text` as a JSON string, quotes included (RFC 8259, section 7).
    public mutating func writeJSONString(_ text: String) {
        self.writeInteger(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): self.writeStaticString("\\\"")
            case UInt8(ascii: "\\"): self.writeStaticString("\\\\")
            case 0x0A: self.writeStaticString("\\n")
            case 0x0D: self.writeStaticString("\\r")
            case 0x09: self.writeStaticString("\\t")
            case 0..<0x20:
                self.writeStaticString("\\u00")
                self.writeInteger(UInt8(ascii: byte < 16 ? "0" : "1"))
                let low = byte & 15
                self.writeInteger(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            default: self.writeInteger(byte)
            }
        }
        self.writeInteger(UInt8(ascii: "\""))
    }
}
