// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Transport

/// Chunks, found in place at every cut.
@Suite struct ClientChunkReaderTests {
    /// The content, what ended the reading, and how many bytes were read up to there.
    private struct Outcome: Equatable {
        var content = ""
        var end = ""
        var used = 0
    }

    private static func read(_ text: String, cuts: [Int]) -> Outcome {
        let bytes = Array(text.utf8)
        var reader = ChunkReader()
        var outcome = Outcome()
        var start = 0
        for end in cuts + [bytes.count] {
            let piece = Array(bytes[start..<end])
            let isOver = piece.withUnsafeBytes { piece in
                var position = 0
                while true {
                    switch reader.next(piece, &position) {
                    case .content(let range):
                        outcome.content += String(decoding: piece[range], as: UTF8.self)
                    case .needsMore: return false
                    case .lastChunk:
                        outcome.end = "last chunk"
                        outcome.used = start + position
                        return true
                    case .malformed(let reason):
                        outcome.end = reason
                        return true
                    }
                }
            }
            if isOver { break }
            start = end
        }
        return outcome
    }

    @Test(arguments: [
        ("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!", "last chunk"),
        ("00A;x=\"y\"\r\n0123456789\r\n0;z\r\nTrailer: 1\r\n\r\n", "0123456789", "last chunk"),
        ("a \r\n0123456789\r\n000\r\n", "0123456789", "last chunk"),
        ("\r\nhello", "", "a chunk without size"),
        ("5\nhello", "", "a chunk size that is no number"),
        ("g\r\n", "", "a chunk without size"),
        ("5\r\nhellox", "hello", "no CR behind a chunk"),
        ("5\r\nhello\rx", "hello", "no LF behind a chunk"),
        ("5\rx", "", "no LF behind a chunk size"),
        ("5;a\nb", "", "no CR behind a chunk size"),
        ("fffffffffffffffff\r\n", "", "a chunk size of too many digits"),
        ("5\r\nhel", "hel", ""),
    ])
    func chunksAreFoundAtEveryCut(text: String, content: String, end: String) {
        let whole = Self.read(text, cuts: [])
        #expect(whole.content == content)
        #expect(whole.end == end)
        for first in 0...text.utf8.count {
            for second in first...text.utf8.count {
                #expect(Self.read(text, cuts: [first, second]) == whole, "cut at \(first) and \(second)")
            }
        }
    }

    @Test func endlessParametersAreMalformed() {
        let outcome = Self.read("5;" + String(repeating: "x", count: 20_000), cuts: [])
        #expect(outcome.end == "chunk extensions too long")
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\nbody", 19), ("a\r\n\r\r\n\r\nb", 8), ("a\r\n\n\r\n", nil), ("\r\n\r\n\r\n\r\n", 4),
    ])
    func headEndsBehindTheBlankLine(text: String, end: Int?) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var finder = HeadEndFinder()
            let first = Array(bytes[..<cut]).withUnsafeBytes { finder.end(in: $0, from: 0) }
            let found = first ?? Array(bytes[cut...]).withUnsafeBytes { finder.end(in: $0, from: 0) }.map { $0 + cut }
            #expect(found == end)
        }
    }
}
