// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore

/// An event as the benchmarks of the whole origin use it: 256 bytes of data, 290 on the wire of HTTP/1.1.
enum SampleEvent {
    static let id = "mzxw6ytb.1234567"

    /// JSON of 256 bytes, as `SyntheticPayload` makes it.
    static let data: String = {
        let start = "{\"seq\":1234567,\"ts\":1790000000000000000,\"pad\":\""
        return start + String(repeating: "x", count: 256 - start.utf8.count - 2) + "\"}"
    }()

    static let block = "id: \(id)\ndata: \(data)\n\n"
    static let blockBytes = Array(block.utf8)
    /// With the frame of a chunk.
    static let chunkBytes = Array(String(blockBytes.count, radix: 16).utf8) + Array("\r\n\(block)\r\n".utf8)
}
