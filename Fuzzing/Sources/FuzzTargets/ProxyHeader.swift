// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// PROXY headers, versions 1 and 2: however the bytes arrive, the outcome is the same, and nothing waits for ever.
//
// Input: one byte for the cuts, then what the connection starts with.

import NIOCore

@testable import Transport

enum ProxyHeader {
    private enum Outcome: Equatable {
        case header(ProxyProtocolHeader, rest: [UInt8])
        case needsMore
        case failed(ProxyProtocolError)
    }

    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let seed = reader.byte()
        let bytes = reader.rest()
        let whole = parse([bytes])
        require(parse(pieces(of: bytes, seed: seed)) == whole, "cuts change what a PROXY header means")
        if whole == .needsMore {
            let limit =
                bytes.first == UInt8(ascii: "P")
                ? ProxyProtocolParser.maximumVersion1Length : 16 + ProxyProtocolParser.maximumVersion2Payload
            require(bytes.count < limit, "a header of \(bytes.count) bytes is still waited for")
        }
    }

    private static func parse(_ pieces: [[UInt8]]) -> Outcome {
        var collected = ByteBuffer()
        for (index, piece) in pieces.enumerated() {
            collected.writeBytes(piece)
            let before = collected
            do throws(ProxyProtocolError) {
                guard let header = try ProxyProtocolParser.parse(&collected) else {
                    require(collected == before, "an incomplete header was consumed")
                    continue
                }
                let later = pieces[(index + 1)...].flatMap { $0 }
                return .header(header, rest: Array(collected.readableBytesView) + later)
            } catch {
                return .failed(error)
            }
        }
        return .needsMore
    }
}
