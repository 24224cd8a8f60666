// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Field blocks through the session: HPACK, the checks on requests and trailers, and the bounds on both.
//
// Input: one byte for the limits, then blocks of one byte of length each. A block with bit 7 of its length set is cut
// into HEADERS and CONTINUATION; one with bit 6 set is repeated, which a small block can turn into a large section.

import NIOCore
import NIOHPACK

@testable import Transport

enum HPACKInput {
    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let limits = reader.byte()
        var configuration = HTTP2SessionConfiguration()
        configuration.headerTableSize = [4_096, 0, 64, 16_384][Int(limits) % 4]
        configuration.maxHeaderListSize = limits & 4 == 0 ? 16_384 : 200
        configuration.maxConcurrentStreams = 100
        let harness = H2Harness(configuration)
        harness.receive(H2Harness.preface + H2Frames.settings([], &harness.client))
        if limits & 8 == 0 { harness.receive(H2Frames.frame(4, 1)) }
        var id: UInt32 = 1
        while !reader.isAtEnd, id < 400 {
            let length = reader.byte()
            var block = reader.take(Int(length & 0x3f))
            if length & 0x40 != 0 { block = [[UInt8]](repeating: block, count: 200).flatMap { $0 } }
            // Every other stream stays open for a second block, its trailers.
            let ends = id & 2 == 0
            harness.receive(frames(id, block, ends: ends, isCut: length & 0x80 != 0)) { event in
                answer(event, harness, configuration)
            }
            id += 2
        }
        harness.settle()
    }

    private static func frames(_ id: UInt32, _ block: [UInt8], ends: Bool, isCut: Bool) -> [UInt8] {
        let flags: UInt8 = ends ? 1 : 0
        guard isCut else { return H2Frames.frame(1, flags | 4, id, Array(block.prefix(16_384))) }
        let half = block.count / 2
        return H2Frames.frame(1, flags, id, Array(block[..<half])) + H2Frames.frame(9, 4, id, Array(block[half...]))
            + (ends ? [] : H2Frames.frame(1, 5, id, Array(block[..<half])))
    }

    private static func answer(_ event: HTTP2Event, _ harness: H2Harness, _ limits: HTTP2SessionConfiguration) {
        guard case .request(let slot, let request, let endStream) = event else { return }
        // Joined cookies count less than the crumbs did.
        let size = request.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 }
        require(size <= limits.maxHeaderListSize, "a section of \(size) bytes")
        if endStream {
            let method = request.method
            harness.sendHead(
                slot, HTTP2ResponseHead(status: 200, headers: ["x-method": method], own: [("X-Own", method)]), end: true
            )
        }
    }
}
