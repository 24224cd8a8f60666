// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct NegotiationTests {
    /// As sent by Prometheus 2.42, 3.0 with and without protobuf, and others.
    @Test(arguments: [
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", ExpositionFormat.openMetrics
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,"
                + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
                + "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
        ),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", .text),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .text),
        ("*/*", .text),
        ("", .text),
        // Preferences
        ("application/openmetrics-text", .openMetrics),
        ("Application/OpenMetrics-TEXT; Version=1.0.0", .openMetrics),
        ("application/openmetrics-text; version=\"1.0.0\"", .openMetrics),
        ("application/openmetrics-text; charset=\"a,b;q=0\"; version=1.0.0", .openMetrics),
        ("application/openmetrics-text,text/plain", .openMetrics),
        ("application/openmetrics-text;q=0.4,text/plain;q=0.5", .text),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.4", .openMetrics),
        ("application/openmetrics-text;q=0.001,text/plain;q=0", .openMetrics),
        ("application/openmetrics-text;q=0,*/*", .text),
        ("application/openmetrics-text;q=0", .text),
        ("application/openmetrics-text;q=0.5,*/*", .text),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.1,*/*", .openMetrics),
        ("text/plain;q=0.1,text/plain;q=0.9,text/plain;q=0,application/openmetrics-text;q=0.5", .text),
        ("application/*,text/plain;q=0.5", .openMetrics),
        ("application/*,text/*", .text),
        ("text/*;q=0.1,application/openmetrics-text;q=0.1", .openMetrics),
        ("application/openmetrics-text;version=1.0.0;q=0,application/openmetrics-text,*/*;q=0.1", .text),
        // Versions that we do not write
        ("application/openmetrics-text;version=0.0.1", .text),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", .text),
        ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", .openMetrics),
        // Neither
        ("application/json", .text),
        // Malformed members are left out, the others count
        ("application/openmetrics-text;q=2", .text),
        ("application/openmetrics-text;q=1.001", .text),
        ("application/openmetrics-text;q=-1", .text),
        ("application/openmetrics-text;q=0.1234", .text),
        ("application/openmetrics-text;q=", .text),
        ("application/openmetrics-text;q=1,5", .openMetrics),
        ("application/openmetrics-text;q", .text),
        ("application/openmetrics-text;version=\"1.0.0", .text),
        ("application/openmetrics-text;version=1.0.0\"", .text),
        (";;;,,,=,;q=1,application/openmetrics-text;;q=1.000;", .openMetrics),
        ("/,//,a/b/c, ,\t,application/openmetrics-text", .openMetrics),
        ("application/openmetrics-text\u{0}", .text),
        ("application/openmetrics-text 😀", .text),
    ])
    func acceptDecides(accept: String, format: ExpositionFormat) {
        #expect(ExpositionFormat.negotiate(accept: [accept]) == format)
    }

    @Test func noHeaderIsText() {
        #expect(ExpositionFormat.negotiate(accept: []) == .text)
    }

    @Test func severalHeadersAreOneList() {
        #expect(
            ExpositionFormat.negotiate(accept: ["text/plain;q=0.5", "application/openmetrics-text"]) == .openMetrics)
        #expect(ExpositionFormat.negotiate(accept: ["text/plain", "application/openmetrics-text;q=0.5"]) == .text)
    }

    @Test func oversizedHeadersCountAsAbsent() {
        let wanted = "application/openmetrics-text"
        let fill = WeightedValue.lengthLimit - wanted.utf8.count - 1
        #expect(ExpositionFormat.negotiate(accept: [wanted, String(repeating: "x", count: fill)]) == .openMetrics)
        #expect(ExpositionFormat.negotiate(accept: [wanted, String(repeating: "x", count: fill + 2)]) == .text)
        let members = [String](repeating: "a/b", count: WeightedValue.memberLimit - 1)
        #expect(ExpositionFormat.negotiate(accept: members + [wanted]) == .openMetrics)
        #expect(ExpositionFormat.negotiate(accept: members + ["a/b", wanted]) == .text)
    }

    /// Whatever the header is, there is an answer; the pieces are those that the grammar is about.
    @Test func arbitraryHeadersAreAnswered() {
        let pieces = [
            "application/openmetrics-text", "text/plain", "*/*", "gzip", "q=", "version=", "1.0.0", "0.5", "1", ";",
            ",",
            "\"", "\\", " ", "\t", "=", "/", "*", "é", "\u{0}", "😀",
        ]
        var numbers = GzipTests.noise(100_000)[...]
        while let count = numbers.popFirst() {
            let header = numbers.prefix(Int(count) % 12).map { pieces[Int($0) % pieces.count] }.joined()
            numbers = numbers.dropFirst(Int(count) % 12)
            let format = ExpositionFormat.negotiate(accept: [header])
            if !header.contains("openmetrics") && !header.contains("application") { #expect(format == .text) }
            let coding = ExpositionCoding.negotiate(acceptEncoding: [header])
            if !header.contains("gzip") && !header.contains("*") { #expect(coding == .identity) }
        }
    }

    @Test(arguments: [
        ("gzip", ExpositionCoding.gzip), ("GZIP", .gzip), ("x-gzip", .gzip), ("gzip, deflate, br, zstd", .gzip),
        ("deflate;q=1.0, gzip;q=0.5", .gzip), ("*", .gzip), ("identity;q=0.5, *;q=0.1", .identity),
        ("*;q=0.1, identity;q=0", .gzip), ("gzip;q=0", .identity), ("gzip;q=0.000, *", .identity),
        ("gzip;q=0.1, identity;q=0.2", .identity), ("gzip;q=0.2, identity;q=0.2", .gzip), ("identity", .identity),
        ("", .identity), ("br", .identity), ("gzipp", .identity), ("gzip;q=nan", .identity),
        ("gzip;q=0, x-gzip", .gzip),
        ("identity;q=0", .identity),
    ])
    func acceptEncodingDecides(header: String, coding: ExpositionCoding) {
        #expect(ExpositionCoding.negotiate(acceptEncoding: [header]) == coding)
    }

    @Test func withoutAcceptEncodingTheBodyIsPlain() {
        #expect(ExpositionCoding.negotiate(acceptEncoding: []) == .identity)
        #expect(ExpositionCoding.identity.contentEncoding == nil)
        #expect(ExpositionCoding.gzip.contentEncoding == "gzip")
    }
}
