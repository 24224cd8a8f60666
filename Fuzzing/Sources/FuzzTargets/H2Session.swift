// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Structured fuzzing of the HTTP/2 session: the input is a script of what client, caller, socket and clock do, valid
// and broken frames in any order. See H2Harness for what must hold.
//
// Input: six bytes for the limits, then steps of one byte and what each reads.

import NIOCore
import NIOHPACK

@testable import Transport

struct H2Session {
    private var reader: InputReader
    private let harness: H2Harness
    private var nextStream: UInt32 = 1

    static func run(_ input: [UInt8]) {
        var script = H2Session(input)
        script.play()
    }

    private init(_ input: [UInt8]) {
        reader = InputReader(input)
        var configuration = HTTP2SessionConfiguration()
        configuration.maxConcurrentStreams = reader.pick([8, 1, 2, 3, 16])
        configuration.streamReceiveWindow = reader.pick([262_144, 1, 100, 1_000, 65_535, 65_536])
        configuration.connectionReceiveWindow = reader.pick([1_048_576, 65_535, 70_000])
        configuration.maxBufferedBytes = reader.pick([262_144, 1_024, 2_000, 20_000])
        configuration.headerTableSize = reader.pick([4_096, 0, 100, 10_000])
        let bounds = reader.byte()
        configuration.maxControlBytes = bounds & 1 == 0 ? 524_288 : 4_096
        configuration.closedStreamMemory = bounds & 2 == 0 ? 1_024 : 2
        configuration.encoderTableSize = bounds & 4 == 0 ? 4_096 : 0
        harness = H2Harness(configuration)
        if bounds & 8 == 0 {
            send(H2Harness.preface + H2Frames.settings([], &harness.client))
        }
    }

    private mutating func play() {
        // Enough for every limit on floods, and a bound on the time of one input.
        var steps = 0
        while !reader.isAtEnd, steps < 4_000 {
            steps += 1
            if reader.bool() { client() } else { server() }
        }
        harness.settle()
    }

    // MARK: The client

    private func send(_ bytes: [UInt8], cut: UInt8 = 0) { harness.receive(bytes, cut: cut) }

    private mutating func client() {
        let choice = reader.byte()
        let cut: UInt8 = choice & 0xc0 == 0xc0 ? reader.byte() : 0
        send(frames(choice & 0x3f), cut: cut)
    }

    private mutating func frames(_ choice: UInt8) -> [UInt8] {
        switch choice % 20 {
        case 0, 1: request(H2Frames.get, end: true)
        case 2: request(H2Frames.post, end: false)
        case 3: request(H2Frames.post + [("content-length", "\(reader.below(2_000))")], end: false)
        case 4: trailersOrBrokenHeaders()
        case 5, 6: data()
        case 7: H2Frames.windowUpdate(0, increment(), &harness.client)
        case 8: H2Frames.windowUpdate(stream(), increment(), &harness.client)
        case 9: H2Frames.frame(3, 0, stream(), H2Frames.octets(UInt32(reader.below(16))))
        case 10, 11: settings()
        case 12: H2Frames.frame(4, 1)
        case 13: H2Frames.frame(6, reader.byte() & 1, 0, [UInt8](repeating: 7, count: 8))
        case 14: H2Frames.frame(2, 0, stream(), H2Frames.octets(stream()) + [16])
        case 15: H2Frames.frame(7, 0, 0, H2Frames.octets(stream()) + H2Frames.octets(reader.long()) + reader.take(8))
        case 16: H2Frames.frame(reader.byte(), reader.byte(), stream(), reader.take(reader.below(32)))
        case 17: flood()
        case 18: mangled()
        default: reader.take(reader.below(40))
        }
    }

    private mutating func request(_ fields: [(String, String)], end: Bool) -> [UInt8] {
        let id = nextStream
        nextStream += 2
        let block = H2Frames.block(fields, indexed: reader.bool())
        let split = reader.byte()
        let flags: UInt8 = end ? 1 : 0
        guard split & 1 == 1 else { return H2Frames.frame(1, flags | 4, id, block) }
        let at = Int(split >> 1) % block.count
        return H2Frames.frame(1, flags, id, Array(block[..<at])) + H2Frames.frame(9, 4, id, Array(block[at...]))
    }

    private mutating func trailersOrBrokenHeaders() -> [UInt8] {
        let block =
            reader.pick([
                H2Frames.block([("x-trailer", "1")], indexed: true),
                H2Frames.block(H2Frames.get + H2Frames.get), H2Frames.block([("X", "1")]), [0x80], [],
                H2Frames.block(H2Frames.get + [("x", String(repeating: "v", count: 17_000))]),
                H2Frames.block([(":method", "CONNECT"), (":authority", "a:1")]), [0x3f, 0xe1, 0x1f], [0x20, 0x82],
            ]) + reader.take(reader.below(4))
        return H2Frames.frame(reader.pick([1, 1, 1, 9]), reader.byte() & 0x2d, stream(), block)
    }

    private mutating func data() -> [UInt8] {
        let count = reader.pick([0, 1, 50, 300, 1_000, 16_384, 16_383, 16_385])
        let flags = reader.byte() & 9
        let padding: [UInt8] = flags & 8 != 0 ? [reader.byte()] : []
        return H2Frames.frame(0, flags, stream(), padding + [UInt8](repeating: 0, count: count))
    }

    private mutating func settings() -> [UInt8] {
        let count = reader.below(4)
        let list: [(UInt16, UInt32)] = (0..<count).map { _ in
            switch reader.below(6) {
            case 0, 1: (4, reader.pick([0, 1, 100, 65_535, 65_536, 1_000_000, 0x7fff_ffff, 0x8000_0000]))
            case 2: (5, reader.pick([16_384, 16_385, 1_000_000, 0xff_ffff, 16_383, 0x100_0000]))
            case 3: (1, reader.pick([0, 1, 100, 4_096, 65_536, 0xffff_ffff]))
            case 4: (UInt16(reader.below(10)), UInt32(reader.byte()))
            default: (reader.word(), reader.long())
            }
        }
        return H2Frames.settings(list, &harness.client)
    }

    private mutating func increment() -> UInt32 {
        reader.pick([1, 0, 9, 100, 16_384, 65_535, 1_000_000, 0x7fff_ffff, 0x7fff_0000, 0x8000_0001, 0xffff_ffff])
    }

    /// Mostly one that is or was in use.
    private mutating func stream() -> UInt32 {
        let choice = reader.byte()
        switch choice {
        case 0..<200: return UInt32(choice) % (nextStream + 1) | 1
        case 200..<230: return UInt32(choice)
        case 230..<240: return 0
        case 240: return 0x8000_0001
        case 241: return 0x7fff_ffff
        default: return nextStream
        }
    }

    /// The same frame many times over.
    private mutating func flood() -> [UInt8] {
        let one = frames([2, 5, 8, 9, 10, 12, 13, 14, 16, 0][reader.below(10)])
        guard one.count < 400 else { return one }
        let times = Int(reader.byte())
        if one.count > 3, one[3] == 8, times > 0 { allowAgain(one, times) }
        return [[UInt8]](repeating: one, count: times).flatMap { $0 }
    }

    /// The books of the client hold one WINDOW_UPDATE, but it is sent often.
    private func allowAgain(_ frame: [UInt8], _ times: Int) {
        harness.client.connectionAllowance += times << 31
        for id in stride(from: UInt32(1), through: nextStream, by: 2) {
            harness.client.streamAllowances[id, default: 0] += times << 31
        }
    }

    /// A frame of which one byte is not what it was.
    private mutating func mangled() -> [UInt8] {
        var bytes = frames([0, 2, 5, 7, 8, 10, 13][reader.below(7)])
        guard !bytes.isEmpty else { return bytes }
        bytes[reader.below(min(bytes.count, 64))] = reader.byte()
        // It may have become a SETTINGS or a WINDOW_UPDATE that nobody has booked.
        allowAgain(bytes, 1)
        harness.client.largestInitialWindow = 1 << 31
        harness.client.largestFrameSize = 1 << 24
        return bytes
    }

    // MARK: The caller, the socket and the clock

    private static let streamHead = HTTP2ResponseHead(status: 200, headers: ["content-type": "text/event-stream"])

    private mutating func server() {
        let choice = reader.byte()
        let slots = harness.slots
        let slot = slots.isEmpty ? nil : slots[Int(choice >> 4) % slots.count]
        switch (choice & 15, slot) {
        case (0...1, let slot?): harness.sendHead(slot, Self.streamHead, end: false)
        case (2, let slot?):
            let head = HTTP2ResponseHead(status: 204, headers: ["x": "\(choice)"], own: [("X-Choice", "\(choice)")])
            harness.sendHead(slot, head, end: reader.bool())
        case (3...4, let slot?): append(slot)
        case (5, let slot?): harness.finish(slot)
        case (6, let slot?): if reader.bool() { harness.finish(slot) } else { harness.reset(slot) }
        case (7, let slot?): harness.consume(slot, reader.pick([1_000_000, 1, 100, 16_384, -1]))
        case (8, let slot?): harness.session.sendInformational(slot, HTTP2ResponseHead(status: 100))
        case (9, _): for slot in slots { harness.append(slot, 300) }
        case (10...11, _): harness.resumeWaiting(limit: reader.pick([.max, 0, 1, 2]))
        case (12, _): harness.drain(reader.pick([.max, 1, 9, 100, 1_000, 10_000]))
        case (13, _): harness.drainByQueue(flushing: reader.pick([.max, 0, 1, 100, 1_000]))
        case (14, _): time()
        default: harness.pump()
        }
        harness.check()
    }

    private mutating func append(_ slot: StreamSlot) {
        let count = reader.pick([300, 0, 1, 9, 63, 64, 1_000, 1_015, 16_384, 16_385, 40_000, 300_000])
        harness.append(slot, count, end: reader.bool())
    }

    private mutating func time() {
        switch reader.below(8) {
        case 0: harness.now += 1_000_000
        case 1: harness.now += 1_000_000_000
        case 2: harness.now += 6_000_000_000
        case 3: harness.session.ping(UInt64(reader.byte()))
        case 4: harness.session.goAwayGracefully(debug: "drain")
        case 5: harness.session.goAway()
        case 6: harness.session.releaseIdleMemory()
        default: harness.session.tick(now: harness.now)
        }
        harness.pump()
    }
}
