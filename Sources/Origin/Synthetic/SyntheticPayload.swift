// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The data of a measurement event: JSON of an exact size, `{"seq":1,"ts":1790000000000000000,"pad":"xxxx"}`.

import NIOCore

enum SyntheticPayload {
    /// Appends exactly `size` bytes; `size` must be within ``SyntheticParameters/sizeBounds``, which always fits the
    /// three fields (at most 62 bytes without padding).
    static func write(sequence: UInt64, unixNanoseconds: Int64, size: Int, into buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        buffer.writeString("{\"seq\":\(sequence),\"ts\":\(unixNanoseconds),\"pad\":\"")
        let pad = size - (buffer.writerIndex - start) - 2
        buffer.writeRepeatingByte(UInt8(ascii: "x"), count: max(0, pad))
        buffer.writeStaticString("\"}")
    }
}
