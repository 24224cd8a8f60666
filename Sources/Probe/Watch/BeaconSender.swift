// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import NIOCore
import Transport

/// Reports the lags that a receiver measured to its origin: `POST /beacon`, see docs/http.md.
struct BeaconSender: Sendable {
    private let sender: HTTPSender
    private let name: String

    init(client: HTTPClient, path: ProbePath, on eventLoop: any EventLoop) {
        sender = HTTPSender(
            client: client, target: path.target.with(path: "/beacon"), on: eventLoop, bodyLimit: 4_096)
        name = path.name
    }

    /// - Parameters:
    ///   - lags: nanoseconds; those below `-error` contradict the clock's estimate and are left out.
    ///   - error: nanoseconds.
    /// - Returns: whether the origin took it; nil when there was nothing to say.
    func send(_ lags: [Int64], error: Int64) async -> Bool? {
        let error = min(error, Self.errorLimit)
        let usable = lags.filter { $0 >= -error && $0 <= Self.lagLimit }.prefix(WatchSink.lagLimit)
        if usable.isEmpty { return nil }
        let request = HTTPClientRequest(
            .POST, headers: ["content-type": "application/json"], body: Self.body(usable, path: name, error: error),
            deadline: .seconds(10))
        do throws(HTTPClientError) {
            return try await sender.send(request).head.status == .noContent
        } catch {
            return false
        }
    }

    func close() async { await sender.close() }

    /// What the origin takes at most.
    private static let lagLimit: Int64 = 86_400_000 * 1_000_000
    private static let errorLimit: Int64 = 10_000 * 1_000_000

    static func body(_ lags: some Sequence<Int64>, path: String, error: Int64) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeString("{\"lags_ms\":[")
        body.writeString(lags.map { TextStyle.fixed($0.milliseconds, 3) }.joined(separator: ","))
        // Rounded up, so that the bound holds after rounding too.
        body.writeString("],\"offset_error_ms\":\(TextStyle.fixed((error + 1_000).milliseconds, 3)),\"path\":")
        body.writeJSONString(path)
        body.writeString("}")
        return body
    }
}
