// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Byte fuzzing of the HTTP/2 session behind a valid preface, with a caller that answers each request.
//
// Input: one byte for the limits, one for the cuts, then what follows the preface.

import NIOCore
import NIOHPACK

@testable import Transport

enum H2Bytes {
    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let limits = reader.byte()
        let cut = reader.byte()
        let bytes = reader.rest()
        let whole = play(bytes, limits: limits, cut: 0)
        require(play(bytes, limits: limits, cut: cut) == whole, "cuts of seed \(cut) change what happens")
    }

    /// - Returns: what the caller saw, then what the client got.
    private static func play(_ bytes: [UInt8], limits: UInt8, cut: UInt8) -> [String] {
        var configuration = HTTP2SessionConfiguration()
        configuration.maxConcurrentStreams = 4
        configuration.streamReceiveWindow = limits & 1 == 0 ? 262_144 : 100
        configuration.headerTableSize = limits & 2 == 0 ? 4_096 : 0
        configuration.closedStreamMemory = limits & 4 == 0 ? 1_024 : 1
        let harness = H2Harness(configuration)
        // Nobody knows what the bytes allow.
        harness.client.connectionAllowance = 1 << 60
        harness.client.largestInitialWindow = 1 << 60
        harness.client.largestFrameSize = 1 << 24
        var trace: [String] = []
        let handle: (HTTP2Event) -> Void = { event in
            trace.append(describe(event))
            answer(event, harness)
        }
        harness.receive(H2Harness.preface, handle)
        harness.receive(bytes, cut: cut, handle)
        if limits & 8 == 0 {
            harness.settle(handle)
            trace.append("\(harness.client.dataBytes) bytes, \(harness.client.resets) resets")
        }
        return trace
    }

    private static func answer(_ event: HTTP2Event, _ harness: H2Harness) {
        switch event {
        case .request(let slot, _, let endStream):
            harness.sendHead(slot, HTTP2ResponseHead(status: 200), end: false)
            harness.append(slot, 700, end: endStream && slot.index & 1 == 1)
        case .data(let slot, let bytes, let endStream):
            harness.consume(slot, bytes.readableBytes)
            if endStream { harness.finish(slot) }
        case .trailers(let slot, _): harness.finish(slot)
        default: break
        }
        harness.resumeWaiting()
    }

    private static func describe(_ event: HTTP2Event) -> String {
        switch event {
        case .request(let slot, let request, let end): "request \(slot.index) \(request.headers) \(end)"
        case .data(let slot, let body, let end): "data \(slot.index) \(Array(body.readableBytesView)) \(end)"
        case .trailers(let slot, let fields): "trailers \(slot.index) \(fields)"
        case .streamEnded(let slot, let cause, let stall): "ended \(slot.index) \(cause) \(stall.count)"
        case .pingAcknowledged(let opaque): "ping \(opaque)"
        case .goAwayReceived(let code, let debug, let last): "goaway \(code) \(debug) \(last)"
        case .connectionError(let code, let reason): "error \(code) \(reason)"
        }
    }
}
