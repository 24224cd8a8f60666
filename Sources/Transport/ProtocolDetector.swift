// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Tells HTTP/2 from HTTP/1.1 on one port by the first bytes (RFC 9113, section 3.3). No I/O.
//
// `Upgrade: h2c` is not taken: RFC 9113 has dropped it, and the request is answered in HTTP/1.1.

import NIOCore

struct ProtocolDetector {
    enum Finding: Equatable {
        /// It could be either; the bytes are kept.
        case undecided
        /// What was read so far, all of it.
        case http1(ByteBuffer)
        case http2(ByteBuffer)
    }

    /// Bound: the preface's length; what is longer is decided.
    private var collected = ByteBuffer()

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    mutating func take(_ bytes: ByteBuffer) -> Finding {
        if self.collected.readableBytes == 0 {
            self.collected = bytes
        } else {
            self.collected.writeImmutableBuffer(bytes)
        }
        let isPreface = self.collected.withUnsafeReadableBytes { read in
            zip(read, Self.preface).allSatisfy { $0 == $1 }
        }
        guard isPreface else { return .http1(self.collected) }
        // "PRI" is no method that anyone else uses, but a shorter start could be PROPFIND or PUT.
        return self.collected.readableBytes >= 3 ? .http2(self.collected) : .undecided
    }
}
