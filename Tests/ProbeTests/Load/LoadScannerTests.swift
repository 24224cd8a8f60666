// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import EventStream
import NIOCore
import Testing

@testable import Probe

/// The load generator's scanner against the decoder that everybody else uses, and against itself at every cut.
@Suite struct LoadScannerTests {
    /// What a scanner made of a stream.
    struct Found: Equatable {
        var events: [String] = []
        var comments: UInt64 = 0
    }

    /// Scans the bytes in pieces that end at `cuts`.
    private static func scan(_ bytes: [UInt8], cuts: [Int] = []) -> Found {
        var scanner = EventScanner()
        var found = Found()
        var start = 0
        for end in cuts + [bytes.count] where end >= start {
            // A copy of its own, so that a read beyond the piece is a read beyond the memory.
            let piece = Array(bytes[start..<end])
            piece.withUnsafeBytes { piece in
                scanner.scan(piece, comments: &found.comments) { found.events.append(text(of: $0)) }
            }
            start = end
        }
        return found
    }

    private static func text(of event: EventScanner.Event) -> String {
        let marks = event.marks
        return [
            marks.contains(.sequence) ? "seq \(event.sequence)" : nil,
            marks.contains(.time) ? "ts \(event.time)" : nil,
            marks.contains(.identifier) ? "id \(event.identifier)" : nil,
            marks.contains(.gap) ? "gap" : nil,
            marks.contains(.heartbeat) ? "heartbeat" : nil,
            marks.contains(.end) ? "end" : nil,
        ].compactMap(\.self).joined(separator: ", ")
    }

    /// The same, found the slow way: text, and the first member of each name.
    private static func reference(_ bytes: [UInt8]) throws -> Found {
        var decoder = EventStreamDecoder()
        var found = Found()
        var buffer = ByteBuffer(bytes: bytes)
        try decoder.decode(&buffer) { item in
            switch item {
            case .comment: found.comments += 1
            case .event(let event):
                let lines = event.data.split(separator: "\n", omittingEmptySubsequences: false)
                let parts: [String?] = [
                    number(#""seq":"#, in: lines).map { "seq \($0)" },
                    number(#""ts":"#, in: lines).map { "ts \($0)" },
                    event.id.flatMap(tail).map { "id \($0)" },
                    ["gap", "heartbeat", "end"].first { $0 == event.type },
                ]
                found.events.append(parts.compactMap(\.self).joined(separator: ", "))
            default: break
            }
        }
        return found
    }

    private static func number(_ key: String, in lines: [Substring]) -> UInt64? {
        for line in lines {
            var rest = line.utf8[...]
            while let range = Substring(rest).firstRange(of: key) {
                rest = Substring(rest)[range.upperBound...].utf8
                var digits = rest.drop { $0 == 0x20 }
                if digits.first == 0x22 { digits = digits.dropFirst() }
                let number = digits.prefix { (0x30...0x39).contains($0) }
                let next = digits.dropFirst(number.count).first
                guard next != 0x2E, next != 0x65, next != 0x45, number.count <= 19 else { continue }
                if let value = UInt64(String(decoding: number, as: UTF8.self)) { return value }
            }
        }
        return nil
    }

    private static func tail(_ id: String) -> UInt64? {
        let digits = id.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).last ?? []
        guard (1...19).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    static let streams = [
        ": connected\n\nid: 17f.4\nretry: 3000\n\n"
            + "id: 17f.5\ndata: {\"seq\":5,\"ts\":1790000000000000000,\"pad\":\"x\"}\n\n",
        "data: {\"ts\": \"1790000000000\", \"seq\": \"7\"}\r\n\r\nevent: heartbeat\r\ndata: {\"ts\":1}\r\n\r\n",
        "data:{\"seq\":1}\r\rid\rid: 9\rdata\r\rid:x.8\rid: y\u{0}.3\rdata:\r\r",
        "\u{FEFF}data: {\"seq\":1}\n\n\u{FEFF}data: 2\n\n",
        "event: gap\ndata: {\"missed\":3}\nid: a.b.12\n\n"
            + "event: gap\nevent: end\ndata\n\nevent: gap\nevent\ndata: x\n\n",
        "data: {\"ts\":17.5,\"ts\":3e9,\"seq\":12345678901234567890,\"seq\":\"\",\"seq\":4}\n\n",
        "data: \"ts\"ts\":5,\"\"seq\":6,\"t\"seq\":8\n\ndata: \"seq\"seq\":3\ndata: \"ts\":4\n\n",
        "datax: {\"seq\":1}\n\ndat\n\nidx: 5\n\ndata: ok\nid: 18446744073709551615\n\n",
        "data: no end {\"seq\":3}",
    ]

    @Test(arguments: streams)
    func anyTwoCutsFindTheSameAsTheDecoder(stream: String) throws {
        let bytes = Array(stream.utf8)
        let expected = try Self.reference(bytes)
        #expect(Self.scan(bytes) == expected)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                #expect(Self.scan(bytes, cuts: [first, second]) == expected, "cut at \(first) and \(second)")
            }
        }
        #expect(Self.scan(bytes, cuts: Array(0...bytes.count)) == expected)
    }

    @Test func randomStreamsAgreeWithTheDecoderHoweverTheyAreCut() throws {
        var random = SeededGenerator(seed: 20_261_122)
        let words = [
            "data", "id", "event", "retry", ":", ": ", "\n", "\r", "\r\n", "\n\n", "\"", "\"seq\":", "\"ts\":", "1",
            "42",
            ".", " ", "gap", "heartbeat", "{", ",", "\u{0}", "\u{FEFF}", "data: {\"seq\":", "ts\":", "id: 1.", "x",
        ]
        var events = 0
        for _ in 0..<3_000 {
            let count = Int.random(in: 1...24, using: &random)
            let text = (0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined() + "\n\n"
            let bytes = Array(text.utf8)
            let expected = try Self.reference(bytes)
            events += expected.events.count
            let cuts = (0..<4).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            #expect(Self.scan(bytes) == expected, "\(text.debugDescription)")
            #expect(Self.scan(bytes, cuts: cuts) == expected, "\(text.debugDescription) cut at \(cuts)")
            #expect(Self.scan(bytes, cuts: Array(0...bytes.count)) == expected, "\(text.debugDescription) in bytes")
        }
        // The words make events at all.
        #expect(events > 200)
    }

    @Test func onceTheNumbersAreKnownIdsAreNotRead() {
        var scanner = EventScanner()
        scanner.marks.insert(.ignoresIdentifiers)
        var found: [String] = []
        var comments: UInt64 = 0
        Array("id: 5\ndata: {\"seq\":5}\n\nid: 6\ndata: {\"seq\":6}\n\n".utf8).withUnsafeBytes { bytes in
            scanner.scan(bytes, comments: &comments) { found.append(Self.text(of: $0)) }
        }
        #expect(found == ["seq 5", "seq 6"])
    }

    @Test func recordFitsIntoTwoCacheLines() {
        #expect(MemoryLayout<LoadStream>.stride <= 128)
    }
}
