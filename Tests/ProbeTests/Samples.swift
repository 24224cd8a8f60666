// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Probe

/// Samples as tests want them: a stream that received these events at these milliseconds.
enum Samples {
    static func sample(
        path: Int = 0,
        stream: Int = 0,
        number: Int = 1,
        id: String? = nil,
        sequence: Int64? = nil,
        published: Double? = nil,
        at milliseconds: Double,
        read: UInt64 = 1,
        digest: UInt64 = 0
    ) -> EventSample {
        let time = Int64(milliseconds * 1_000_000)
        return EventSample(
            path: path, stream: stream, number: number, id: id, type: nil, sequence: sequence,
            publishTime: published.map { Int64($0 * 1_000_000) }, firstByte: time, lastByte: time, bytes: 100,
            read: read,
            digest: digest)
    }

    /// Events with these numbers, one each millisecond, each by a read of its own.
    static func sequence(_ numbers: [Int64], stream: Int = 0) -> [EventSample] {
        numbers.enumerated().map { place, number in
            sample(
                stream: stream, number: place + 1, sequence: number, at: Double(place), read: UInt64(place + 1),
                digest: UInt64(bitPattern: number))
        }
    }
}
