// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A client's view of what the session sends: frames, their order, flow control, and the bytes of each stream. Written
// without the code under test, but for HPACK.

import NIOCore
import NIOHPACK

struct H2OutputReader {
    private struct Stream {
        var hasHeaders = false
        var isOver = false
        var received = 0
    }

    /// What the client has allowed so far, at most: frames that were sent but not read yet count already.
    var connectionAllowance = 65_535
    var streamAllowances: [UInt32: Int] = [:]
    var largestInitialWindow = 65_535
    var largestFrameSize = 16_384

    private(set) var dataBytes = 0
    private(set) var isGone = false
    private(set) var resets = 0
    private var streams: [UInt32: Stream] = [:]
    private var partial: [UInt8] = []
    private var block: (stream: UInt32, endsStream: Bool, bytes: [UInt8])?
    private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())

    /// - Parameter expected: the bytes that the session has accepted for a stream, from `offset` on.
    mutating func read(_ bytes: some Sequence<UInt8>, expected: (UInt32, _ offset: Int, _ count: Int) -> [UInt8]?) {
        partial += bytes
        var start = 0
        while partial.count - start >= 9 {
            let header = partial[start..<start + 9].map { Int($0) }
            let length = header[0] << 16 | header[1] << 8 | header[2]
            guard partial.count - start >= 9 + length else { break }
            let stream = UInt32(header[5] << 24 | header[6] << 16 | header[7] << 8 | header[8])
            require(length <= largestFrameSize, "a frame of \(length) bytes")
            let payload = partial[(start + 9)..<(start + 9 + length)]
            take(UInt8(header[3]), UInt8(header[4]), stream, payload, expected)
            start += 9 + length
        }
        partial.removeFirst(start)
    }

    var isBetweenFrames: Bool { partial.isEmpty && block == nil }

    func received(on stream: UInt32) -> Int { streams[stream]?.received ?? 0 }

    private mutating func take(
        _ type: UInt8, _ flags: UInt8, _ id: UInt32, _ payload: ArraySlice<UInt8>,
        _ expected: (UInt32, Int, Int) -> [UInt8]?
    ) {
        require(!isGone, "frame \(type) behind the GOAWAY of an error")
        require(block == nil || type == 9, "frame \(type) inside of a field block")
        switch type {
        case 0: takeData(flags, id, payload, expected)
        case 1:
            require(!stream(id).isOver, "HEADERS on stream \(id), which is over")
            block = (id, flags & 1 != 0, Array(payload))
            if flags & 4 != 0 { endBlock() }
        case 9:
            require(block?.stream == id, "CONTINUATION on stream \(id)")
            block?.bytes += payload
            if flags & 4 != 0 { endBlock() }
        case 3:
            require(payload.count == 4 && id & 1 == 1, "RST_STREAM of \(payload.count) bytes on stream \(id)")
            resets += 1
            streams[id, default: Stream()].isOver = true
        case 4: require(id == 0 && (flags & 1 == 0 || payload.isEmpty) && payload.count % 6 == 0, "bad SETTINGS")
        case 6: require(id == 0 && payload.count == 8, "bad PING")
        case 7:
            require(id == 0 && payload.count >= 8, "bad GOAWAY")
            isGone = payload.dropFirst(4).prefix(4).contains { $0 != 0 }
        case 8:
            let increment = payload.reduce(0) { $0 << 8 | Int($1) }
            require(payload.count == 4 && (1...0x7fff_ffff).contains(increment), "WINDOW_UPDATE of \(increment)")
        default: require(false, "frame of type \(type)")
        }
    }

    private func stream(_ id: UInt32) -> Stream { streams[id] ?? Stream() }

    private mutating func takeData(
        _ flags: UInt8, _ id: UInt32, _ payload: ArraySlice<UInt8>, _ expected: (UInt32, Int, Int) -> [UInt8]?
    ) {
        var stream = stream(id)
        require(flags & ~1 == 0, "DATA with flags \(flags)")
        require(stream.hasHeaders && !stream.isOver, "DATA on stream \(id), which is not open")
        require(
            expected(id, stream.received, payload.count) == Array(payload),
            "\(payload.count) bytes on stream \(id) at \(stream.received) are not what was accepted")
        stream.received += payload.count
        dataBytes += payload.count
        require(dataBytes <= connectionAllowance, "\(dataBytes) bytes sent, \(connectionAllowance) allowed")
        let allowance = largestInitialWindow + (streamAllowances[id] ?? 0)
        require(stream.received <= allowance, "\(stream.received) bytes on stream \(id), \(allowance) allowed")
        if flags & 1 != 0 { stream.isOver = true }
        streams[id] = stream
    }

    private mutating func endBlock() {
        guard let block else { return }
        self.block = nil
        var bytes = ByteBuffer(bytes: block.bytes)
        do {
            let fields = try decoder.decodeHeaders(from: &bytes)
            var stream = stream(block.stream)
            require(stream.hasHeaders == (fields.first(name: ":status") == nil), "a wrong field section: \(fields)")
            if let status = fields.first(name: ":status"), !status.hasPrefix("1") { stream.hasHeaders = true }
            if block.endsStream { stream.isOver = true }
            streams[block.stream] = stream
        } catch {
            require(false, "a field block that cannot be decoded: \(error)")
        }
    }
}
