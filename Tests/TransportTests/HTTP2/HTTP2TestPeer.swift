// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import NIOHPACK

@testable import Transport

/// A frame as the tests see it: independent of the code under test, so that nobody marks their own homework.
struct Frame: Equatable, CustomStringConvertible {
    var type: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    var bytes: [UInt8] {
        [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 0xff), UInt8(payload.count & 0xff), type, flags]
            + word(stream) + payload
    }

    var description: String {
        "\(Self.names[type] ?? "type \(type)") flags \(flags) stream \(stream) \(payload.count) octets"
    }

    private static let names: [UInt8: String] = [
        0: "DATA", 1: "HEADERS", 2: "PRIORITY", 3: "RST_STREAM", 4: "SETTINGS", 5: "PUSH_PROMISE", 6: "PING",
        7: "GOAWAY", 8: "WINDOW_UPDATE", 9: "CONTINUATION",
    ]

    /// The error code of a RST_STREAM or a GOAWAY.
    var errorCode: UInt32? {
        switch type {
        case 3 where payload.count == 4: number(payload[0..<4])
        case 7 where payload.count >= 8: number(payload[4..<8])
        default: nil
        }
    }

    static func data(_ stream: UInt32, _ payload: [UInt8], end: Bool = false) -> Frame {
        Frame(type: 0, flags: end ? 1 : 0, stream: stream, payload: payload)
    }

    /// A DATA frame with padding.
    static func padded(_ stream: UInt32, _ payload: [UInt8], padding: UInt8, end: Bool = false) -> Frame {
        Frame(
            type: 0, flags: end ? 9 : 8, stream: stream,
            payload: [padding] + payload + [UInt8](repeating: 0, count: Int(padding)))
    }

    static func headers(_ stream: UInt32, _ block: [UInt8], end: Bool = true, endHeaders: Bool = true) -> Frame {
        Frame(type: 1, flags: (end ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream, payload: block)
    }

    static func continuation(_ stream: UInt32, _ block: [UInt8], endHeaders: Bool = true) -> Frame {
        Frame(type: 9, flags: endHeaders ? 4 : 0, stream: stream, payload: block)
    }

    static func priority(_ stream: UInt32, on dependency: UInt32) -> Frame {
        Frame(type: 2, stream: stream, payload: word(dependency) + [16])
    }

    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> Frame {
        Frame(type: 3, stream: stream, payload: word(code))
    }

    static func settings(_ settings: [(UInt16, UInt32)] = []) -> Frame {
        Frame(type: 4, payload: settings.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xff)] + word($0.1) })
    }

    static let settingsAck = Frame(type: 4, flags: 1)

    static func ping(_ octet: UInt8, ack: Bool = false) -> Frame {
        Frame(type: 6, flags: ack ? 1 : 0, payload: [UInt8](repeating: octet, count: 8))
    }

    static func goAway(last: UInt32 = 0, _ code: UInt32 = 0, debug: [UInt8] = []) -> Frame {
        Frame(type: 7, payload: word(last) + word(code) + debug)
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> Frame {
        Frame(type: 8, stream: stream, payload: word(increment))
    }
}

func word(_ value: UInt32) -> [UInt8] {
    [UInt8(value >> 24), UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
}

func number(_ octets: ArraySlice<UInt8>) -> UInt32 {
    octets.reduce(0) { $0 << 8 | UInt32($1) }
}

/// A field block by hand: literals without indexing, no Huffman, so that tests say exactly what is on the wire.
func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in [0] + literal(name) + literal(value) }
}

private func literal(_ text: String) -> [UInt8] {
    let octets = Array(text.utf8)
    guard octets.count >= 127 else { return [UInt8(octets.count)] + octets }
    var rest = octets.count - 127
    var length: [UInt8] = [127]
    while rest >= 128 {
        length.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
    }
    return length + [UInt8(rest)] + octets
}

let get: [(String, String)] = [
    (":method", "GET"), (":scheme", "http"), (":authority", "origin.test"), (":path", "/"),
]
let post: [(String, String)] = [
    (":method", "POST"), (":scheme", "http"), (":authority", "origin.test"), (":path", "/"),
]

/// A client that speaks frames to one session and remembers all it gets.
final class TestPeer {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    var session: HTTP2ServerSession
    var now: Int64 = 0
    /// Everything that the session told its driver.
    private(set) var events: [HTTP2Event] = []
    /// Everything that the session has sent.
    private(set) var received: [Frame] = []
    private var partial: [UInt8] = []

    /// - Parameter greeted: whether preface and an empty SETTINGS are exchanged first, and forgotten.
    init(_ configure: (inout HTTP2SessionConfiguration) -> Void = { _ in }, greeted: Bool = true) {
        var configuration = HTTP2SessionConfiguration()
        configure(&configuration)
        session = HTTP2ServerSession(configuration: configuration, now: 0, seed: 42)
        if greeted {
            send(bytes: Self.preface)
            send(.settings(), .settingsAck)
            received.removeAll()
        }
    }

    func send(_ frames: Frame...) {
        send(bytes: frames.flatMap(\.bytes))
    }

    func send(bytes: [UInt8]) {
        session.receive(ByteBuffer(bytes: bytes), now: now)
        pump()
    }

    /// Pulls events and drains the output until there is neither.
    func pump() {
        while let event = session.nextEvent() { events.append(event) }
        flush()
        while let event = session.nextEvent() { events.append(event) }
        flush()
    }

    /// Takes what the session has sent.
    func flush() {
        var output = session.takeOutput()
        session.outputFlushed(output.readableBytes)
        partial += output.readBytes(length: output.readableBytes) ?? []
        while partial.count >= 9 {
            let length = Int(partial[0]) << 16 | Int(partial[1]) << 8 | Int(partial[2])
            guard partial.count >= 9 + length else { return }
            received.append(
                Frame(
                    type: partial[3], flags: partial[4], stream: number(partial[5..<9]),
                    payload: Array(partial[9..<9 + length])))
            partial.removeFirst(9 + length)
        }
    }

    func forget() {
        events.removeAll()
        received.removeAll()
    }

    /// Opens a stream and answers with 200, so that DATA may follow.
    @discardableResult
    func open(_ stream: UInt32, fields: [(String, String)] = get, end: Bool = true) -> StreamSlot? {
        send(.headers(stream, block(fields), end: end))
        guard case .request(let slot, _, _)? = events.last else { return nil }
        session.sendHead(slot, HTTP2ResponseHead(status: 200))
        flush()
        forget()
        return slot
    }

    func append(_ slot: StreamSlot, count: Int, end: Bool = false) -> AppendOutcome {
        append(slot, [UInt8](repeating: 0x2e, count: count), end: end)
    }

    func append(_ slot: StreamSlot, _ bytes: [UInt8], end: Bool = false) -> AppendOutcome {
        bytes.withUnsafeBytes { session.appendData(slot, $0, endStream: end) }
    }

    // MARK: What happened

    /// The codes of all RST_STREAM frames for that stream.
    func resets(_ stream: UInt32) -> [UInt32] {
        received.filter { $0.type == 3 && $0.stream == stream }.compactMap(\.errorCode)
    }

    /// The code of the connection error, if it was both sent and told.
    var connectionError: UInt32? {
        guard let sent = received.last(where: { $0.type == 7 })?.errorCode else { return nil }
        let told = events.contains { event in
            if case .connectionError(let code, _) = event { code.rawValue == sent } else { false }
        }
        return told && isFailed ? sent : nil
    }

    /// Reads or calls the session; expectations cannot hold what cannot be copied.
    func ask<R>(_ question: (inout HTTP2ServerSession) -> R) -> R {
        question(&session)
    }

    var isFailed: Bool { session.isFailed }

    var counters: HTTP2SessionCounters { session.counters }

    /// Streams that may write now, in the order in which they get their turn; none of them does.
    func turns() -> [StreamSlot] {
        var slots: [StreamSlot] = []
        while let slot = session.nextWritable() { slots.append(slot) }
        return slots
    }

    var requests: [HTTP2Request] {
        events.compactMap { if case .request(_, let request, _) = $0 { request } else { nil } }
    }

    var ends: [HTTP2StreamEnd] {
        events.compactMap { if case .streamEnded(_, let cause, _) = $0 { cause } else { nil } }
    }

    /// Body bytes that were delivered.
    var body: [UInt8] {
        events.flatMap { if case .data(_, let bytes, _) = $0 { Array(bytes.readableBytesView) } else { [UInt8]() } }
    }

    var dataFrames: [Frame] { received.filter { $0.type == 0 } }
}

/// The error codes of section 7, as numbers.
enum Code {
    static let noError: UInt32 = 0
    static let protocolError: UInt32 = 1
    static let flowControl: UInt32 = 3
    static let settingsTimeout: UInt32 = 4
    static let streamClosed: UInt32 = 5
    static let frameSize: UInt32 = 6
    static let refused: UInt32 = 7
    static let cancel: UInt32 = 8
    static let compression: UInt32 = 9
    static let calm: UInt32 = 11
}
