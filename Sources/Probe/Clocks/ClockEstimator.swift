// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// Asks an origin for its time, several times over one connection, and keeps the exchange with the shortest round trip:
/// the one that waited least on the way.
public struct ClockEstimator: Sendable {
    private let client: HTTPClient
    private let target: HTTPTarget
    private let eventLoop: any EventLoop
    /// Exchanges for one estimate. The best of 16 is close to the best of many on a quiet path.
    public var exchanges = 16

    /// - Parameter target: any URL of the origin; its `/time` is asked.
    public init(client: HTTPClient, target: HTTPTarget, on eventLoop: any EventLoop) {
        self.client = client
        self.target = target.with(path: "/time")
        self.eventLoop = eventLoop
    }

    /// - Returns: nil when the origin has no `/time` that we understand: it is not Headwater's.
    public func estimate() async -> ClockOffset? {
        guard let connection = try? await client.connect(to: target, on: eventLoop) else { return nil }
        defer { connection.close() }
        var best: ClockOffset?
        for _ in 0..<exchanges {
            guard let exchange = await exchange(on: connection) else { break }
            if exchange.error < best?.error ?? .max { best = exchange }
        }
        return best.map { Self.recognisingOwnClock($0, peer: connection.peer) }
    }

    private func exchange(on connection: HTTPClientConnection) async -> ClockOffset? {
        let request = HTTPClientRequest(.GET, deadline: .seconds(5))
        guard let response = try? await connection.request(request), response.head.status == .ok,
            let written = response.head.requestWritten, let body = try? await response.collect(upTo: 1_024)
        else { return nil }
        let text = String(buffer: body)
        guard let received = PublishStamp.number(of: "received_unix_nano", in: text).flatMap({ Int64($0) }),
            let sent = PublishStamp.number(of: "sent_unix_nano", in: text).flatMap({ Int64($0) })
        else { return nil }
        return ClockOffset(asked: written, received: received, sent: sent, answered: response.head.arrival.time)
    }

    /// On loopback, an origin whose clock cannot be told from ours has ours, and then its offset is known exactly. The
    /// error bound stays what was measured.
    static func recognisingOwnClock(_ measured: ClockOffset, peer: SocketAddress?) -> ClockOffset {
        guard let address = peer?.ipAddress, address == "::1" || address.hasPrefix("127.") else { return measured }
        let own = ClockOffset.own(unix: Clock.unix(), monotonic: Clock.monotonic())
        guard abs(own - measured.offset) <= measured.error else { return measured }
        return ClockOffset(offset: own, error: measured.error, time: measured.time)
    }
}
