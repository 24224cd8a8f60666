// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// `/metrics`: collects from all loops, renders and compresses. Only the copying of cells happens on event loops; the
// rest is done on other threads, so that a scrape delays no event.

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
        let format = ExpositionFormat.negotiate(accept: head.headers["accept"])
        let coding = ExpositionCoding.negotiate(acceptEncoding: head.headers["accept-encoding"])
        let answer = self.loop.makeFutureWithTask { await metrics.scrape(as: format, coding: coding) }
        answer.assumeIsolated().whenComplete { result in
            stream.respond((try? result.get()) ?? .problem(.internalServerError, detail: "The scrape was cancelled."))
        }
    }
}

extension MetricBook {
    func scrape(as format: ExpositionFormat, coding: ExpositionCoding) async -> Response {
        let start = Clock.monotonic()
        defer { self.counts.scraped(nanoseconds: Clock.monotonic() - start) }
        var body = Exposition.render(await self.registry.collect(), as: format)
        var headers: HTTPHeaders = [
            "Content-Type": format.contentType, "Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding",
        ]
        // Without memory for zlib the text goes out as it is.
        if let name = coding.contentEncoding, let compressed = try? Gzip.compress(body, level: .fastest) {
            headers.add(name: "Content-Encoding", value: name)
            body = compressed
        }
        return Response(status: .ok, headers: headers, body: ByteBuffer(bytes: body))
    }
}
