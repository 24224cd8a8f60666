// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// One session and what its caller and its client know of it. Every call checks the session's promises: what is bounded,
// what follows an error, which bytes leave, and that no stream is forgotten.

import NIOCore
import NIOHPACK

@testable import Transport

final class H2Harness {
    struct Stream {
        var id: UInt32
        /// Bytes offered and not accepted: they go first.
        var rest: [UInt8] = []
        var hasHeaders = false
        /// Finish once `rest` is gone.
        var ends = false
        var requestIsOver = false
        var unconsumed = 0
    }

    var session: HTTP2ServerSession
    var now: Int64 = 1_000_000_000
    var client = H2OutputReader()
    private(set) var streams: [StreamSlot: Stream] = [:]
    /// In the order in which they came, so that an input's choice means the same in each run.
    private(set) var slots: [StreamSlot] = []
    private(set) var isOver = false
    /// How many bytes each stream of the wire was accepted for.
    private var accepted: [UInt32: Int] = [:]
    private var inFlight = 0

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    init(_ configuration: HTTP2SessionConfiguration) {
        session = HTTP2ServerSession(configuration: configuration, now: now, seed: 42)
    }

    /// The byte at each place of a stream's body: different on each stream, and without a short period.
    static func pattern(_ id: UInt32, from offset: Int, count: Int) -> [UInt8] {
        (offset..<offset + count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ Int(id)) }
    }

    // MARK: Input

    func receive(_ bytes: [UInt8], cut: UInt8 = 0, _ handle: (HTTP2Event) -> Void = { _ in }) {
        for piece in pieces(of: bytes, seed: cut) {
            session.receive(ByteBuffer(bytes: piece), now: now)
            pump(handle)
        }
    }

    /// Pulls events until there is none.
    func pump(_ handle: (HTTP2Event) -> Void = { _ in }) {
        while let event = session.nextEvent() {
            note(event)
            check()
            handle(event)
        }
        check()
    }

    private func note(_ event: HTTP2Event) {
        require(!isOver, "\(event) behind the connection error")
        switch event {
        case .request(let slot, let request, let endStream):
            require(streams[slot] == nil, "slot \(slot) is given twice")
            H2RequestRules.check(request)
            guard let id = session.streamID(of: slot) else { return require(false, "a request on a dead slot") }
            streams[slot] = Stream(id: id, requestIsOver: endStream)
            slots.append(slot)
        case .data(let slot, let bytes, let endStream):
            require(streams[slot]?.requestIsOver == false, "DATA behind the end of the request, or on a dead slot")
            streams[slot]?.unconsumed += bytes.readableBytes
            streams[slot]?.requestIsOver = endStream
        case .trailers(let slot, _):
            require(streams[slot]?.requestIsOver == false, "trailers behind the end of the request, or on a dead slot")
            streams[slot]?.requestIsOver = true
        case .streamEnded(let slot, _, _):
            require(streams[slot] != nil, "the end of a stream that nobody knows")
            forget(slot)
        case .pingAcknowledged: break
        case .goAwayReceived(_, let debug, _):
            require(debug.utf8.count <= 256 && debug.utf8.allSatisfy { (0x20..<0x7f).contains($0) }, "raw debug data")
        case .connectionError:
            require(session.isFailed, "an error on a connection that goes on")
            isOver = true
            streams = [:]
            slots = []
        }
    }

    private func forget(_ slot: StreamSlot) {
        streams[slot] = nil
        slots.removeAll { $0 == slot }
    }

    // MARK: The caller's side

    func sendHead(_ slot: StreamSlot, _ head: HTTP2ResponseHead, end: Bool) {
        let knows = streams[slot]
        let sent = session.sendHead(slot, head, endStream: end)
        require(sent == (knows?.hasHeaders == false && !isDead), "sendHead says \(sent)")
        streams[slot]?.hasHeaders = true
        if end, sent { forget(slot) }
        check()
    }

    private var isDead: Bool { isOver || session.isFailed }

    /// Offers the rest and `count` more bytes.
    func append(_ slot: StreamSlot, _ count: Int, end: Bool = false) {
        guard var stream = streams[slot], !stream.ends else { return }
        let offset = (accepted[stream.id] ?? 0) + stream.rest.count
        stream.rest += Self.pattern(stream.id, from: offset, count: count)
        stream.ends = end
        streams[slot] = stream
        offer(slot)
    }

    /// - Returns: whether bytes were taken.
    @discardableResult
    func offer(_ slot: StreamSlot) -> Bool {
        guard let stream = streams[slot] else { return false }
        let count = stream.rest.count
        let promised = session.writableBytes(slot)
        let wasDead = isDead
        let outcome = stream.rest.withUnsafeBytes { session.appendData(slot, $0, endStream: stream.ends) }
        defer { check() }
        switch outcome {
        case .accepted:
            require(!wasDead && stream.hasHeaders, "bytes accepted without a response")
            accepted[stream.id, default: 0] += count
            streams[slot]?.rest = []
            if stream.ends { forget(slot) }
            return true
        case .partial(let taken):
            require(taken > 0 && taken < count, "\(taken) of \(count) bytes is no part")
            // Of a message above the bound a few bytes less are taken: its frames' headers are estimated high.
            require(count > promised, "\(promised) bytes were promised, of \(count) \(taken) were taken")
            accepted[stream.id, default: 0] += taken
            streams[slot]?.rest.removeFirst(taken)
            return true
        case .noStreamWindow, .noConnectionWindow, .bufferFull:
            require(promised == 0 || count > promised, "\(promised) bytes were promised, \(count) refused: \(outcome)")
            return false
        case .closed:
            require(!stream.hasHeaders || wasDead || session.isFailed, "a live stream is said to be closed")
            // Refused for good: the session will not name this stream again.
            streams[slot]?.rest = []
            streams[slot]?.ends = false
            return false
        }
    }

    func finish(_ slot: StreamSlot) {
        guard let stream = streams[slot], stream.rest.isEmpty else { return }
        if session.finish(slot) {
            require(stream.hasHeaders, "the end of a response that has not begun")
            forget(slot)
        }
        check()
    }

    func reset(_ slot: StreamSlot) {
        if session.reset(slot, .cancel) { forget(slot) }
        check()
    }

    func consume(_ slot: StreamSlot, _ count: Int) {
        session.consumed(slot, count)
        guard let held = streams[slot]?.unconsumed else { return }
        streams[slot]?.unconsumed -= min(max(count, 0), held)
        check()
    }

    /// Gives waiting streams their turns; those without anything left let it pass.
    func resumeWaiting(limit: Int = .max) {
        var turns = 0
        while turns < limit, let slot = session.nextWritable() {
            require(!isDead, "a turn on a dead connection")
            require(streams[slot] != nil, "a turn of a stream that nobody knows")
            offer(slot)
            turns += 1
            require(turns <= 100_000, "turns without end")
        }
        check()
    }

    // MARK: Output

    /// The socket takes at most that much.
    func drain(_ limit: Int = .max) {
        let bytes = session.withOutput { Array($0.prefix(limit)) }
        read(bytes)
        session.outputWritten(bytes.count)
        check()
    }

    /// NIO's queue takes it all, and has written some of it.
    func drainByQueue(flushing limit: Int) {
        let taken = session.takeOutput()
        inFlight += taken.readableBytes
        read(taken.readableBytesView)
        let flushed = min(limit, inFlight)
        inFlight -= flushed
        session.outputFlushed(flushed)
        check()
    }

    private func read(_ bytes: some Sequence<UInt8>) {
        client.read(bytes) { id, offset, count in
            guard offset + count <= accepted[id] ?? 0 else { return nil }
            return Self.pattern(id, from: offset, count: count)
        }
    }
}
