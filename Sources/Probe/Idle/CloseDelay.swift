// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How long after it has ended a stream a hop closes the client's HTTP/1.1 connection. Envoy waits for the client to
/// close first, its `delayed_close_timeout`; a timer would be taken for that much longer than it is.
enum CloseDelay {
    /// Envoy's default.
    private static let envoy = 1.0
    /// How late a heartbeat may be.
    private static let uneven = 0.15

    /// - Returns: 0 if there is none.
    static func seconds(of streams: [HeldStream], hops: [Intermediary], isHTTP1: Bool) -> Double {
        guard isHTTP1 else { return 0 }
        let closed = streams.filter { $0.end?.how == .closed }
        // Bytes that were due and did not come before the end, and bytes that did, frame the delay.
        let least = closed.compactMap { stream in stream.interval.map { stream.silence - $0 - uneven } }.max() ?? 0
        let most = closed.map(\.silence).min() ?? 0
        if least > 0.2, least < most { return (least...most).contains(envoy) ? envoy : (least + most) / 2 }
        return hops.contains(.envoy) && most >= envoy ? envoy : 0
    }

    /// The streams as if their connections had been closed at once.
    static func removed(_ delay: Double, from streams: [HeldStream]) -> [HeldStream] {
        guard delay > 0 else { return streams }
        return streams.map { stream in
            guard var end = stream.end, end.how == .closed, stream.silence >= delay * 0.99 else { return stream }
            var stream = stream
            end.at = max(stream.lastArrival, end.at - delay)
            stream.end = end
            stream.until = end.at
            return stream
        }
    }
}
