// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct ScrapeTests {
    let registry = MetricRegistry()
    let text = "# HELP a_total x\n# TYPE a_total counter\na_total 1\n"

    init() throws {
        try registry.register(MetricFamilySamples(.counter("a_total", help: "x"), .unsigned(1)))
    }

    @Test func withoutHeadersItIsPlainText() async {
        let scrape = await registry.scrape(accept: [], acceptEncoding: [])
        #expect(scrape.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(scrape.contentEncoding == nil)
        #expect(String(decoding: scrape.body, as: UTF8.self) == text)
    }

    @Test func openMetricsAndGzipAreNegotiatedApart() async throws {
        let compressed = await registry.scrape(accept: ["text/plain"], acceptEncoding: ["gzip"])
        #expect(compressed.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(compressed.contentEncoding == "gzip")
        #expect(try Gzip.decompress(compressed.body, limit: 1000) == [UInt8](text.utf8))
        let open = await registry.scrape(accept: ["application/openmetrics-text"], acceptEncoding: ["gzip;q=0"])
        #expect(open.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(open.contentEncoding == nil)
        #expect(String(decoding: open.body, as: UTF8.self).hasSuffix("a_total 1\n# EOF\n"))
    }
}
