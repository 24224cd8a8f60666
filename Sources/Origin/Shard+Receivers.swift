// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What receivers need to measure their own delivery lag, and where they report it: `GET /time`, `POST /beacon`.

import NIOCore
import NIOHTTP1
import Transport

extension Shard {
    /// The origin's two of NTP's four timestamps (RFC 5905, section 8): the receiver adds when it asked and when it got
    /// the answer. As text, since a number in JavaScript does not hold Unix nanoseconds.
    func tellTime(_ head: RequestHead, on stream: ServerStream) {
        let now = Clock.monotonic()
        let sent = Clock.unix()
        let received = sent - (now - head.receivedAt)
        let body = ByteBuffer(string: "{\"received_unix_nano\":\"\(received)\",\"sent_unix_nano\":\"\(sent)\"}\n")
        stream.respond(self.withPolicy(self.readable(head, .json(text: body)), request: head.headers))
    }

    func takeBeacon(_ head: RequestHead, body: ByteBuffer, on stream: ServerStream) {
        switch head.method {
        case .OPTIONS:
            stream.respond(self.configuration.crossOrigin.options(allow: "POST, OPTIONS", request: head.headers))
        case .POST: stream.respond(self.withPolicy(self.beaconAnswer(body), request: head.headers))
        default:
            let allow: HTTPHeaders = ["Allow": "POST, OPTIONS"]
            stream.respond(.problem(.methodNotAllowed, detail: "This resource answers POST.", headers: allow))
        }
    }

    private func beaconAnswer(_ body: ByteBuffer) -> Response {
        let wait = self.shared.beaconBucket.withLock { $0.take(1, now: Clock.monotonic()) }
        if let wait {
            self.shared.metrics.counts.beaconRejected(.rate)
            return .problem(
                .tooManyRequests,
                detail: "The origin takes \(Int(self.configuration.beaconRate)) reports a second; report less often.",
                headers: ["Retry-After": String(max(1, Int(wait.rounded(.up))))]
            )
        }
        do throws(BeaconReport.Invalid) {
            let report = try BeaconReport(body)
            for lag in report.lags { self.shared.metrics.clientDelivered(lagSeconds: lag, path: report.path) }
            return Response(status: .noContent, headers: self.plainHeaders)
        } catch {
            self.shared.metrics.counts.beaconRejected(.invalid)
            return .problem(.badRequest, detail: error.detail)
        }
    }
}
