// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct SpanLineTests {
    @Test func aSpanIsOneReadableLine() {
        var span = SpanSamples.span(2, parent: 1, name: "GET /events", start: 1_790_000_000_123_456_789)
        span.end = span.start + 12_345_678
        span.kind = .server
        span.parentIsRemote = true
        span.status = .error("no luck")
        span.attributes = [Attribute("http.route", "/events"), Attribute("n", 5)]
        span.attributes.append(Attribute("s", .strings(["a", "b c"])))
        span.events = [SpanEvent(name: "first byte", time: span.start + 1_000_000)]
        span.links = [SpanLink(context: SpanContext(traceID: TraceID(high: 0, low: 7), spanID: SpanID(8)))]
        span.dropped.events = 2
        #expect(
            SpanLine.text(span)
                == "2026-09-21T14:13:20.123456Z 12.345ms server \"GET /events\" trace=00000000000000000000000000000001"
                + " span=0000000000000002 parent=0000000000000001(remote) status=error:\"no luck\""
                + " http.route=/events n=5 s=[a,\"b c\"] event=\"first byte\"@1.000ms"
                + " link=00000000000000000000000000000007/0000000000000008 dropped=0/2/0")
    }

    @Test func nothingFromOutsideEndsTheLineOrReachesTheTerminal() {
        var span = SpanSamples.span(1, name: "a\nb\u{1B}[2J\"\\")
        span.attributes = [Attribute("k", "\u{202E}\u{2028}\r\t\u{0}"), Attribute("e", "")]
        let line = SpanLine.text(span)
        #expect(line.contains(#""a\nb\u{1b}[2J\"\\""#))
        #expect(line.contains(#"k="\u{202e}\u{2028}\r\t\u{0}""#) && line.hasSuffix("e=\"\""))
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1_000, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_399_999_999_000, "2100-02-28T23:59:59.999999Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func timesAreInTheCalendar(nanoseconds: Int64, text: String) {
        #expect(UTCTime.text(unixNanoseconds: nanoseconds) == text)
    }
}
