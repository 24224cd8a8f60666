// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import Transport

/// Structured fuzzing with a fixed seed: frames that are mostly valid, sometimes not, and sometimes bit-flipped. The
/// session must not crash, must not grow, and must not care how its input was cut.
@Suite struct HTTP2FuzzTests {
    @Test func eventsAndOutputDoNotDependOnTheChunksOfTheInput() {
        var survivors = 0
        for seed in 0..<60 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bytes = TestPeer.preface + Frame.settings().bytes + script(frames: 200, using: &generator)
            let whole = replay(bytes) { $0 }
            let cut = replay(bytes) { Int.random(in: 1...min(40, $0), using: &generator) }
            let octets = replay(bytes) { _ in 1 }
            #expect(whole == cut, "seed \(seed)")
            #expect(whole == octets, "seed \(seed)")
            if whole.filter({ $0.hasPrefix("request") }).count >= 10 { survivors += 1 }
        }
        // Or the script would be so wild that it tests nothing but the first error.
        #expect(survivors > 30)
    }

    @Test func randomOctetsAfterThePrefaceNeverCrash() {
        for seed in 0..<200 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed &+ 1_000_000)
            var bytes = TestPeer.preface + Frame.settings().bytes
            bytes += (0..<2_000).map { _ in
                // Small values make lengths and types plausible now and then.
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...12, using: &generator) : UInt8.random(in: 0...255, using: &generator)
            }
            let trace = replay(bytes) { min($0, 64) }
            #expect(!trace.isEmpty, "seed \(seed)")
        }
    }

    @Test func randomFieldBlocksEndInARequestOrInOneError() {
        var outcomes: [UInt32: Int] = [:]
        for seed in 0..<2_000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed &+ 2_000_000)
            let peer = TestPeer()
            peer.send(.headers(1, fieldBlock(using: &generator)))
            // A request, a malformed one, or the end of the connection: never silence.
            let outcome = peer.requests.isEmpty ? peer.received.last?.errorCode : 0
            #expect(outcome != nil, "seed \(seed)")
            outcomes[outcome ?? .max, default: 0] += 1
        }
        #expect(Set(outcomes.keys) == [Code.noError, Code.protocolError, Code.compression])
    }

    /// Field lines of every representation, now and then with an octet changed.
    private func fieldBlock(using generator: inout SeededGenerator) -> [UInt8] {
        var octets = block(get)
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            let name = [UInt8]("x-\(Int.random(in: 0...9, using: &generator))".utf8)
            let literal = [UInt8(name.count)] + name + [2, 0x61, 0x62]
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: octets += [0x80 | UInt8.random(in: 15...62, using: &generator)]
            case 1: octets += [0x40] + literal
            case 2: octets += [0x10] + literal
            case 3: octets += [0x00, 2, 0x78, 0x79, 0x81, .random(in: 0...255, using: &generator)]
            default: octets = [0x20 | UInt8.random(in: 0...30, using: &generator)] + octets
            }
        }
        if Int.random(in: 0..<3, using: &generator) == 0 {
            octets[Int.random(in: 0..<octets.count, using: &generator)] = .random(in: 0...255, using: &generator)
        }
        return octets
    }

    /// Runs the input through a session that answers like an origin does, and writes down all that can be seen.
    private func replay(_ bytes: [UInt8], chunk: (Int) -> Int) -> [String] {
        let peer = TestPeer(
            {
                $0.maxConcurrentStreams = 8
                $0.streamReceiveWindow = 40_000
                $0.connectionReceiveWindow = 70_000
            }, greeted: false)
        var trace: [String] = []
        var offset = 0
        while offset < bytes.count {
            let length = min(max(chunk(bytes.count - offset), 1), bytes.count - offset)
            peer.session.receive(ByteBuffer(bytes: bytes[offset..<offset + length]), now: 0)
            while let event = peer.session.nextEvent() {
                trace.append(describe(event))
                answer(event, peer)
            }
            #expect(peer.ask { $0.pendingOutputBytes } < 1_000_000)
            #expect(peer.ask { $0.streamCount } <= 8)
            offset += length
        }
        peer.flush()
        return trace + peer.received.map { "\($0) \($0.payload.prefix(16))" }
    }

    private func answer(_ event: HTTP2Event, _ peer: TestPeer) {
        switch event {
        case .request(let slot, _, _):
            peer.session.sendHead(slot, HTTP2ResponseHead(status: 200))
            deliver(slot, peer)
        case .data(let slot, let body, let endStream):
            peer.session.consumed(slot, body.readableBytes)
            if endStream { peer.session.finish(slot) }
        case .trailers(let slot, _):
            peer.session.finish(slot)
        default:
            break
        }
        while let slot = peer.session.nextWritable() { deliver(slot, peer) }
    }

    private func deliver(_ slot: StreamSlot, _ peer: TestPeer) {
        _ = peer.append(slot, count: 700)
    }

    private func describe(_ event: HTTP2Event) -> String {
        switch event {
        case .request(let slot, let request, let end): "request \(slot.index) \(request.path) \(end)"
        case .data(let slot, let body, let end): "data \(slot.index) \(Array(body.readableBytesView)) \(end)"
        case .trailers(let slot, let fields): "trailers \(slot.index) \(fields.count)"
        case .streamEnded(let slot, let cause, let stall): "ended \(slot.index) \(cause) \(stall.count)"
        case .pingAcknowledged(let opaque): "ping \(opaque)"
        case .goAwayReceived(let code, let debug, let last): "goaway \(code) \(debug) \(last)"
        case .connectionError(let code, let reason): "error \(code) \(reason)"
        }
    }

    /// Mostly a sensible client; one frame in a hundred is odd, one in four hundred has a flipped bit.
    private func script(frames: Int, using generator: inout SeededGenerator) -> [UInt8] {
        var client = Client()
        return (0..<frames).flatMap { _ in
            var bytes = client.frames(using: &generator).flatMap(\.bytes)
            if Int.random(in: 0..<400, using: &generator) == 0 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            }
            return bytes
        }
    }
}

/// What the script knows of its streams, so that most of its frames make sense.
private struct Client {
    private var next: UInt32 = 1
    /// Streams whose request goes on.
    private var open: [UInt32] = []

    mutating func frames(using generator: inout SeededGenerator) -> [Frame] {
        guard !open.isEmpty else { return [request(end: false)] }
        return switch Int.random(in: 0..<100, using: &generator) {
        case 0..<22: [request(end: Bool.random(using: &generator))]
        case 22..<50:
            [.data(stream(&generator), [UInt8](repeating: 7, count: .random(in: 1...300, using: &generator)))]
        case 50..<62: [.windowUpdate(0, .random(in: 1...9_000, using: &generator))]
        case 62..<70: [.windowUpdate(stream(&generator), .random(in: 1...9_000, using: &generator))]
        case 70..<76: [.reset(finished(&generator), .random(in: 0...14, using: &generator))]
        case 76..<79: [.settings([(4, .random(in: 0...100_000, using: &generator))])]
        case 79..<82: [.settings([(1, .random(in: 0...10_000, using: &generator)), (0x77, 1)]), .settingsAck]
        case 82..<84: [.ping(.random(in: 0...255, using: &generator), ack: Bool.random(using: &generator))]
        case 84: [.priority(stream(&generator), on: 0)]
        case 85: [Frame(type: .random(in: 10...255, using: &generator), payload: [1, 2, 3])]
        case 86: [.goAway(last: 0, .random(in: 0...99_999, using: &generator))]
        case 87..<90: [.padded(stream(&generator), [1, 2], padding: .random(in: 0...255, using: &generator))]
        case 90..<93: [.headers(finished(&generator), block([("x-trailer", "1")]))]
        case 93..<96: splitRequest()
        case 96..<99: [.data(finished(&generator), [9], end: true)]
        default: [odd(&generator)]
        }
    }

    private mutating func request(end: Bool) -> Frame {
        defer { next += 2 }
        if !end { open.append(next) }
        return .headers(next, block(end ? get : post), end: end)
    }

    private mutating func splitRequest() -> [Frame] {
        defer { next += 2 }
        let fields = block(get)
        return [.headers(next, Array(fields[..<4]), endHeaders: false), .continuation(next, Array(fields[4...]))]
    }

    /// A stream whose request goes on.
    private func stream(_ generator: inout SeededGenerator) -> UInt32 {
        open[.random(in: 0..<open.count, using: &generator)]
    }

    /// The same, and its request ends.
    private mutating func finished(_ generator: inout SeededGenerator) -> UInt32 {
        open.remove(at: .random(in: 0..<open.count, using: &generator))
    }

    private func odd(_ generator: inout SeededGenerator) -> Frame {
        Frame(
            type: .random(in: 0...9, using: &generator),
            flags: .random(in: 0...255, using: &generator),
            stream: .random(in: 0...9, using: &generator),
            payload: (0..<Int.random(in: 0...20, using: &generator)).map { UInt8($0) }
        )
    }
}
