// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Testing

@testable import EventStream

@Suite("Where an item ended, and lines that no rule knows")
struct PositionedItemsTests {
    private func ends(_ pieces: [String]) throws -> [Int] {
        var decoder = EventStreamDecoder()
        var ends: [Int] = []
        var before = 0
        for piece in pieces {
            try decoder.decode(ByteBuffer(string: piece).readableBytesView, positioned: { ends.append(before + $1) })
            before += piece.utf8.count
        }
        return ends
    }

    @Test func anItemEndsWithTheLineBreakThatCompletesIt() throws {
        #expect(try ends([": hi\n", "data: a\n\n", "id: 1\n\n"]) == [5, 14, 21])
    }

    @Test func theEndIsTheSameHoweverTheStreamIsCut() throws {
        let stream = ": hi\ndata: a\n\nevent: b\ndata: c\ndata: d\n\nretry: 5\n\n: bye\n"
        let whole = try ends([stream])
        #expect(whole == [5, 14, 40, 50, 56])
        #expect(try ends(stream.map { String($0) }) == whole)
    }

    @Test func linesThatAreNoFieldAreHandedOutOnRequest() throws {
        var decoder = EventStreamDecoder(reportsForeignLines: true)
        var items: [EventStreamDecoder.Item] = []
        var bytes = ByteBuffer(string: "<html>\nretry: soon\ndata: a\n<p>503</p>\n\n")
        try decoder.decode(&bytes) { items.append($0) }
        #expect(items.count == 3)
        #expect(items.first == .foreign("<html>"))
        #expect(items.dropFirst().first == .foreign("<p>503</p>"))
    }

    @Test func aForeignLineIsCutAt256Bytes() throws {
        var decoder = EventStreamDecoder(reportsForeignLines: true)
        var items: [EventStreamDecoder.Item] = []
        var bytes = ByteBuffer(string: String(repeating: "x", count: 1000) + "\n")
        try decoder.decode(&bytes) { items.append($0) }
        #expect(items == [.foreign(String(repeating: "x", count: 256))])
    }
}
