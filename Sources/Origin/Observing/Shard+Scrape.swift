// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `/metrics`. Only the copying of cells happens on event loops; collecting, rendering and compressing is done on other
// threads, so that a scrape delays no event.

import NIOCore
import NIOHTTP1
import Telemetry
import Transport

extension Shard {
    func reportMetrics(_ head: RequestHead, on stream: ServerStream) {
        guard head.method == .GET || head.method == .HEAD else {
            return stream.respond(self.readable(head, .text("")))
        }
        let metrics = self.shared.metrics
        let accept = head.headers["accept"]
        let acceptEncoding = head.headers["accept-encoding"]
        let answer = self.loop.makeFutureWithTask {
            await metrics.scrape(accept: accept, acceptEncoding: acceptEncoding)
        }
        answer.assumeIsolated().whenComplete { result in
            stream.respond((try? result.get()) ?? .problem(.internalServerError, detail: "The scrape was cancelled."))
        }
    }
}

extension MetricBook {
    fileprivate func scrape(accept: [String], acceptEncoding: [String]) async -> Response {
        let start = Clock.monotonic()
        let scrape = await self.registry.scrape(accept: accept, acceptEncoding: acceptEncoding)
        self.counts.scraped(nanoseconds: Clock.monotonic() - start)
        return Response(scrape)
    }
}
