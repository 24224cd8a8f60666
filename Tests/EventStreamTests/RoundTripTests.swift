// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore
import Testing

@Suite("What was encoded is decoded again")
struct RoundTripTests {
    private static let scalars: [Unicode.Scalar] = [
        "\n", "\n", "\r", "\r", "\0", ":", " ", "a", "b", "1", "\t", "\u{FEFF}", "\u{FFFD}", "\u{2028}", "\u{85}", "é",
        "e", "\u{301}", "€", "😀", "\u{10FFFF}", "\u{D7FF}",
    ]

    private static func text(using random: inout SeededGenerator, without excluded: [Unicode.Scalar] = []) -> String {
        var text = String.UnicodeScalarView()
        let allowed = scalars.filter { !excluded.contains($0) }
        for _ in 0..<Int.random(in: 0...24, using: &random) {
            if let scalar = allowed.randomElement(using: &random) { text.append(scalar) }
        }
        return String(text)
    }

    /// CRLF, then CR, become LF; done on scalars because Swift takes CRLF for a single character.
    private static func normalised(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\r" {
                result.append("\n")
            } else if scalar != "\n" || previous != "\r" {
                result.append(scalar)
            }
            previous = scalar
        }
        return String(result)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func randomStreamsSurviveEncodingCuttingAndDecoding(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            var buffer = ByteBuffer()
            var expected: [EventStreamDecoder.Item] = []
            var lastEventID = ""
            var reconnectionTime: Int?
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let comment = Self.text(using: &random)
                let id = Bool.random(using: &random) ? Self.text(using: &random, without: ["\r", "\n", "\0"]) : nil
                let type = Bool.random(using: &random) ? Self.text(using: &random, without: ["\r", "\n"]) : nil
                let retry = Bool.random(using: &random) ? Int.random(in: 0...Int(Int32.max), using: &random) : nil
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    EventStreamEncoder.encodeComment(comment, into: &buffer)
                    let lines = Self.normalised(comment).unicodeScalars.split(
                        separator: "\n", omittingEmptySubsequences: false)
                    expected += lines.map { .comment(String($0)) }
                    continue
                case 1:
                    try EventStreamEncoder.encodeUpdate(id: id, retry: retry, into: &buffer)
                    if id != nil || retry != nil { expected.append(.update(id: id, retry: retry)) }
                    lastEventID = id ?? lastEventID
                default:
                    let data = Self.text(using: &random)
                    let event = ServerSentEvent(type: type, data: data, id: id, retry: retry)
                    try EventStreamEncoder.encode(event, into: &buffer)
                    lastEventID = id ?? lastEventID
                    let normalised = ServerSentEvent(
                        type: type == "" ? nil : type,
                        data: Self.normalised(data),
                        id: id,
                        retry: retry,
                        lastEventID: lastEventID
                    )
                    expected.append(.event(normalised))
                }
                reconnectionTime = retry ?? reconnectionTime
            }
            let wire = Array(buffer.readableBytesView)
            #expect(
                DecodedStream(random.cut(wire))
                    == DecodedStream(items: expected, lastEventID: lastEventID, reconnectionTime: reconnectionTime),
                "\(wire)"
            )
        }
    }

    @Test(arguments: ["\n", "\r", "\r\n", "x\n", "long line of text to outgrow a small string\r\n"])
    func manyLinesOfDataRoundTrip(line: String) throws {
        let data = String(repeating: line, count: 10_000)
        var buffer = ByteBuffer()
        try EventStreamEncoder.encode(data: data, into: &buffer)
        #expect(
            DecodedStream([Array(buffer.readableBytesView)]).items == [
                spelledOut(DecodingRule.event(Self.normalised(data)))
            ]
        )
    }
}
