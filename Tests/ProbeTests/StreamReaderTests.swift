// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Telemetry
import Testing
import Transport

@testable import Probe

@Suite("Samples of a stream's bytes")
struct StreamReaderTests {
    private func chunk(_ text: String, at time: Int64, read: UInt64) -> HTTPBodyChunk {
        HTTPBodyChunk(bytes: ByteBuffer(string: text), arrival: HTTPArrival(time: time, read: read))
    }

    private func samples(_ chunks: [HTTPBodyChunk], gunzip: GunzipStream? = nil) throws -> [EventSample] {
        var reader = StreamReader(path: 1, stream: 2, stamp: PublishStamp(), gunzip: gunzip)
        var samples: [EventSample] = []
        for chunk in chunks {
            try reader.read(chunk) { if case .event(let sample) = $0 { samples.append(sample) } }
        }
        return samples
    }

    @Test func anEventHasTheTimesOfItsFirstAndLastByte() throws {
        let samples = try samples([
            chunk("data: a\n\nid: 7\nda", at: 10, read: 1), chunk("ta: b", at: 20, read: 2),
            chunk("\n\n", at: 30, read: 3),
        ])
        #expect(samples.map(\.firstByte) == [10, 10])
        #expect(samples.map(\.lastByte) == [10, 30])
        #expect(samples.map(\.read) == [1, 3])
        #expect(samples.map(\.id) == [nil, "7"])
        #expect(samples.map(\.bytes) == [9, 15])
        #expect(samples.map(\.number) == [1, 2])
        #expect(samples.map(\.path) == [1, 1])
        #expect(samples.map(\.stream) == [2, 2])
    }

    @Test func anEventThatBeginsWithAReadBeginsThen() throws {
        let samples = try samples([chunk("data: a\n\n", at: 10, read: 1), chunk("data: b\n\n", at: 20, read: 2)])
        #expect(samples.map(\.firstByte) == [10, 20])
    }

    @Test func aCommentBeforeAnEventIsNotPartOfIt() throws {
        let samples = try samples([chunk(": beat\n", at: 10, read: 1), chunk("data: a\n\n", at: 20, read: 2)])
        #expect(samples.map(\.firstByte) == [20])
        #expect(samples.map(\.bytes) == [9])
    }

    @Test func aCompressedStreamIsReadAsItArrives() throws {
        let bytes = try Gzip.compress(Array("data: a\n\ndata: b\n\n".utf8))
        let arrival = HTTPArrival(time: 5, read: 1)
        let pieces = bytes.map { HTTPBodyChunk(bytes: ByteBuffer(bytes: [$0]), arrival: arrival) }
        #expect(try samples(pieces, gunzip: GunzipStream()).map(\.number) == [1, 2])
    }

    @Test func whatIsNotGzipFailsAsSuch() throws {
        let gunzip = try GunzipStream()
        #expect(throws: StreamReader.Failure.compression(.notGzip)) {
            try samples([chunk("data: not compressed at all\n\n", at: 5, read: 1)], gunzip: gunzip)
        }
    }

    @Test func equalContentsHaveEqualDigests() throws {
        let samples = try samples([chunk("id: 1\ndata: a\n\nid: 2\ndata: a\n\ndata: b\n\n", at: 5, read: 1)])
        #expect(samples[0].digest == samples[1].digest)
        #expect(samples[0].digest != samples[2].digest)
    }
}
