// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK
import NIOHTTP1

/// Writes field blocks (RFC 7541), one at a time.
///
/// The streams of a connection are answered with the same fields, but for a few of their own. The same fields are soon
/// all in the peer's table, and then their part of a block is nothing but references: the same bytes for as long as
/// nothing is inserted. Their own are literals, which insert nothing. So a head is mostly copied, where to look up
/// each field in the tables took a quarter of what opening a stream costs.
struct HTTP2FieldEncoder {
    private var encoder: HPACKEncoder
    /// The last block. Its content is good until the next one.
    private(set) var block = ByteBuffer()
    /// What is known to be references only. Bound: one response's fields.
    private var known: (status: Int, headers: HTTPHeaders, references: [UInt8])?

    init() {
        // Without Huffman code: what is not in the tables differs in each response and is short, and to encode it took
        // a tenth of what opening a stream costs.
        self.encoder = HPACKEncoder(
            allocator: ByteBufferAllocator(),
            useHuffmanEncoding: false,
            maxDynamicTableSize: HTTP2Constant.defaultHeaderTableSize
        )
    }

    /// Uses so many bytes of the peer's table from now on, and says so in the next block (RFC 7541, section 4.2).
    mutating func setTableSize(_ size: Int) {
        self.known = nil
        // It throws only while a block is open, and ours are written in one call.
        try? self.encoder.setDynamicTableSize(size)
    }

    /// Makes a response's head the ``block``. Throws what NIOHPACK does when a block is open already, which cannot be:
    /// each is written in one call.
    mutating func encode(_ head: HTTP2ResponseHead) throws {
        self.block.clear(minimumCapacity: 1_024)
        if let known, known.status == head.status, Self.areEqual(known.headers, head.headers) {
            self.block.writeBytes(known.references)
        } else {
            try self.encodeRepeated(head)
        }
        self.appendLiterals(head.own)
    }

    /// One huge block must not stay for the life of the connection.
    mutating func releaseLargeMemory() {
        if self.block.storageCapacity > 65_536 { self.block = ByteBuffer() }
    }

    private mutating func encodeRepeated(_ head: HTTP2ResponseHead) throws {
        var fields = HPACKHeaders()
        fields.reserveCapacity(head.headers.count + 1)
        fields.add(name: ":status", value: String(head.status))
        for (name, value) in head.headers { fields.add(name: name.lowercased(), value: value) }
        try self.encoder.encode(headers: fields, to: &self.block)
        let isKnown = self.block.withUnsafeReadableBytes(Self.areReferences)
        self.known = isKnown ? (head.status, head.headers, Array(self.block.readableBytesView)) : nil
    }

    /// In the same order and spelling: ``HTTPHeaders`` would take more for equal, and take longer to say so.
    private static func areEqual(_ one: HTTPHeaders, _ other: HTTPHeaders) -> Bool {
        one.elementsEqual(other) { $0.name == $1.name && $0.value == $1.value }
    }

    /// Whether a block is all "Indexed Header Field" (RFC 7541, section 6.1): a set bit and an index, which goes on in
    /// further octets if its seven bits are set.
    private static func areReferences(_ block: UnsafeRawBufferPointer) -> Bool {
        var isInIndex = false
        for octet in block {
            if isInIndex {
                isInIndex = octet & 0x80 != 0
            } else {
                guard octet & 0x80 != 0 else { return false }
                isInIndex = octet == 0xff
            }
        }
        return true
    }

    // MARK: Literals

    /// "Literal Header Field without Indexing - New Name" (RFC 7541, section 6.2.2): an octet of zero, name, value.
    private mutating func appendLiterals(_ fields: [(name: String, value: String)]) {
        let room = fields.reduce(0) { $0 + 1 + Self.room(for: $1.name) + Self.room(for: $1.value) }
        self.block.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { output in
            var end = 0
            for (name, value) in fields {
                output[end] = 0
                end += 1
                let nameStart = Self.append(name, to: output, at: &end)
                for index in nameStart..<end { output[index] = Self.lowercased(output[index]) }
                Self.append(value, to: output, at: &end)
            }
            return end
        }
    }

    /// What a string takes at most: its length in up to six octets, and its bytes.
    private static func room(for text: String) -> Int { 6 + text.utf8.count }

    /// A "String Literal" without Huffman code (section 5.2). Names and values have less than 2^28 bytes.
    /// - Returns: where its bytes begin.
    @discardableResult
    private static func append(_ text: String, to output: UnsafeMutableRawBufferPointer, at end: inout Int) -> Int {
        text.withBytes { bytes in
            var rest = bytes.count
            // Section 5.1, with a prefix of seven bits.
            if rest < 0x7f {
                output[end] = UInt8(rest)
                end += 1
            } else {
                output[end] = 0x7f
                end += 1
                rest -= 0x7f
                while rest >= 0x80 {
                    output[end] = UInt8(truncatingIfNeeded: rest) | 0x80
                    end += 1
                    rest >>= 7
                }
                output[end] = UInt8(rest)
                end += 1
            }
            let start = end
            UnsafeMutableRawBufferPointer(rebasing: output[start...]).copyMemory(from: UnsafeRawBufferPointer(bytes))
            end += bytes.count
            return start
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}
