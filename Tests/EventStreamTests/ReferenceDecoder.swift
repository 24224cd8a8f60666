// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream

/// The specification in its own order and words, without any thought of speed, to hold the decoder against: decode the
/// whole stream as UTF-8, cut it into lines, process the lines. It takes a whole stream and knows no limits.
struct ReferenceDecoder {
    private var items: [EventStreamDecoder.Item] = []
    private var dataBuffer: [Unicode.Scalar] = []
    private var eventTypeBuffer: [Unicode.Scalar] = []
    private var lastEventIDBuffer: [Unicode.Scalar] = []
    private var lastEventIDString: [Unicode.Scalar] = []
    private var reconnectionTime: Int?
    // Not in the specification: what this block itself said.
    private var blockID: [Unicode.Scalar]?
    private var blockRetry: Int?

    static func decode(_ bytes: [UInt8]) -> DecodedStream {
        var decoder = ReferenceDecoder()
        // "Streams must be decoded using the UTF-8 decode algorithm", which strips one byte order mark.
        let stream = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        for line in lines(of: utf8DecodeWithoutBOM(stream)) { decoder.process(line) }
        return DecodedStream(
            items: decoder.items,
            lastEventID: text(decoder.lastEventIDString),
            reconnectionTime: decoder.reconnectionTime
        )
    }

    /// Section 9.2.5: end-of-line = ( cr lf / cr / lf ). What follows the last one is not a line.
    private static func lines(of stream: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
        var lines: [[Unicode.Scalar]] = []
        var line: [Unicode.Scalar] = []
        var index = 0
        while index < stream.count {
            if stream[index] == "\r" || stream[index] == "\n" {
                lines.append(line)
                line = []
                if stream[index] == "\r" && index + 1 < stream.count && stream[index + 1] == "\n" { index += 1 }
            } else {
                line.append(stream[index])
            }
            index += 1
        }
        return lines
    }

    private mutating func process(_ line: [Unicode.Scalar]) {
        if line.isEmpty {
            dispatch()
        } else if line[0] == ":" {
            var comment = line.dropFirst()
            if comment.first == " " { comment.removeFirst() }
            items.append(.comment(text(comment)))
        } else if let colon = line.firstIndex(of: ":") {
            var value = line[(colon + 1)...]
            if value.first == " " { value.removeFirst() }
            process(field: text(line[..<colon]), value: Array(value))
        } else {
            process(field: text(line), value: [])
        }
    }

    private mutating func process(field: String, value: [Unicode.Scalar]) {
        switch field {
        case "event":
            eventTypeBuffer = value
        case "data":
            dataBuffer += value
            dataBuffer.append("\n")
        case "id":
            if value.contains("\0") { return }
            lastEventIDBuffer = value
            blockID = value
        case "retry":
            if value.isEmpty || !value.allSatisfy({ ("0"..."9").contains($0) }) { return }
            let digits = value.drop { $0 == "0" }
            let number = digits.count > 10 ? nil : Int(digits.isEmpty ? "0" : text(digits))
            reconnectionTime = min(number ?? ServerSentEvent.maximumRetry, ServerSentEvent.maximumRetry)
            blockRetry = reconnectionTime
        default:
            return
        }
    }

    private mutating func dispatch() {
        lastEventIDString = lastEventIDBuffer
        defer {
            dataBuffer = []
            eventTypeBuffer = []
            blockID = nil
            blockRetry = nil
        }
        if dataBuffer.isEmpty {
            if blockID != nil || blockRetry != nil {
                items.append(.update(id: blockID.map { text($0) }, retry: blockRetry))
            }
            return
        }
        if dataBuffer.last == "\n" { dataBuffer.removeLast() }
        let event = ServerSentEvent(
            type: eventTypeBuffer.isEmpty ? nil : text(eventTypeBuffer),
            data: text(dataBuffer),
            id: blockID.map { text($0) },
            retry: blockRetry,
            lastEventID: text(lastEventIDString)
        )
        items.append(.event(event))
    }
}

private func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
}

/// The UTF-8 decoder of the Encoding standard with error mode "replacement"
/// (https://encoding.spec.whatwg.org/#utf-8-decoder), step by step.
private func utf8DecodeWithoutBOM(_ bytes: [UInt8]) -> [Unicode.Scalar] {
    var output: [Unicode.Scalar] = []
    var codePoint: UInt32 = 0
    var needed = 0
    var seen = 0
    var lower: UInt8 = 0x80
    var upper: UInt8 = 0xBF
    var index = 0
    while index < bytes.count {
        let byte = bytes[index]
        index += 1
        if needed == 0 {
            switch byte {
            case 0x00...0x7F:
                output.append(Unicode.Scalar(byte))
            case 0xC2...0xDF:
                needed = 1
                codePoint = UInt32(byte & 0x1F)
            case 0xE0...0xEF:
                if byte == 0xE0 { lower = 0xA0 }
                if byte == 0xED { upper = 0x9F }
                needed = 2
                codePoint = UInt32(byte & 0xF)
            case 0xF0...0xF4:
                if byte == 0xF0 { lower = 0x90 }
                if byte == 0xF4 { upper = 0x8F }
                needed = 3
                codePoint = UInt32(byte & 0x7)
            default:
                output.append("\u{FFFD}")
            }
            continue
        }
        let isContinuation = (lower...upper).contains(byte)
        lower = 0x80
        upper = 0xBF
        if !isContinuation {
            needed = 0
            seen = 0
            output.append("\u{FFFD}")
            index -= 1
            continue
        }
        codePoint = (codePoint << 6) | UInt32(byte & 0x3F)
        seen += 1
        if seen == needed {
            output.append(Unicode.Scalar(codePoint) ?? "\u{FFFD}")
            needed = 0
            seen = 0
        }
    }
    if needed != 0 { output.append("\u{FFFD}") }
    return output
}
