// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct OTLPJSONTests {
    @Test func aTraceIsAnOTLPMessageInJSON() {
        var span = SpanSamples.span(2, parent: 1, name: "a \"b\"\n\u{1}", start: 5)
        span.attributes = [
            Attribute("i", .int(.max)), Attribute("d", 0.5), Attribute("n", .double(.nan)), Attribute("b", false),
            Attribute("l", .strings(["x"])),
        ]
        span.status = .error("bad")
        span.parentIsRemote = true
        span.dropped.links = 4
        let text = OTLPJSON.text([span], resource: SpanSamples.resource, scope: SpanSamples.scope)
        let expected = #"""
            {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"headwater"}},
            {"key":"process.pid","value":{"intValue":"42"}}]},"scopeSpans":[{"scope":{"name":"headwater",
            "version":"1.2.3"},"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002",
            "parentSpanId":"0000000000000001","flags":769,"name":"a \"b\"\n\u0001","kind":1,"startTimeUnixNano":"5",
            "endTimeUnixNano":"15","attributes":[{"key":"i","value":{"intValue":"9223372036854775807"}},
            {"key":"d","value":{"doubleValue":0.5}},{"key":"n","value":{"doubleValue":"NaN"}},
            {"key":"b","value":{"boolValue":false}},
            {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}}],
            "droppedLinksCount":4,"status":{"message":"bad","code":2}}],
            "schemaUrl":"https://opentelemetry.io/schemas/1.44.0"}],
            "schemaUrl":"https://opentelemetry.io/schemas/1.44.0"}]}
            """#
        #expect(text == expected.split(separator: "\n").joined())
    }

    /// The same spans as the encoder's, so that the oracle can compare the two forms.
    @Test func everyFieldIsWhereTheOracleReadsIt() throws {
        let text = OTLPJSON.text(SpanSamples.everything, resource: SpanSamples.resource, scope: SpanSamples.scope)
        #expect(Array(text.utf8) == (try OracleFile.bytes("otlp_batch.json", current: Array(text.utf8))))
    }

    @Test func theListNamesEachTrace() {
        var ring = TraceRing()
        ring.insert(SpanSamples.span(1, name: "GET /events"))
        let text = OTLPJSON.list(ring.summaries())
        let expected = #"""
            {"traces":[{"traceId":"00000000000000000000000000000001","rootName":"GET /events",
            "startTimeUnixNano":"1000","durationNano":"10","spans":1,"droppedSpans":0,"hasError":false}]}
            """#
        #expect(text == expected.split(separator: "\n").joined())
        #expect(OTLPJSON.list([]) == #"{"traces":[]}"#)
    }
}
