// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Testing

@testable import Telemetry

@Suite struct ExpositionTests {
    static func filledCatalogue() -> [MetricFamilySamples] {
        let catalogue = SampleCatalogue()
        let cells = MetricCells(catalogue.layout)
        cells.add(3, to: catalogue.openedH1)
        cells.add(2, to: catalogue.active)
        cells.observe(1_500_000, count: 2, in: catalogue.lagH2, exemplar: SampleCatalogue.exemplar(0xabc))
        cells.observe(2_000_000_000, in: catalogue.lagH2)
        cells.observe(2, in: catalogue.requests)
        return cells.snapshot().samples()
    }

    @Test func textLooksLikeThis() {
        #expect(
            Self.filledCatalogue().text() == """
                # HELP sample_connection_size Requests of a connection.
                # TYPE sample_connection_size histogram
                sample_connection_size_bucket{le="1.0"} 0
                sample_connection_size_bucket{le="2.0"} 1
                sample_connection_size_bucket{le="4.0"} 1
                sample_connection_size_bucket{le="+Inf"} 1
                sample_connection_size_sum 2
                sample_connection_size_count 1
                # HELP sample_lag_seconds From publish to write.
                # TYPE sample_lag_seconds histogram
                sample_lag_seconds_bucket{protocol="h1",le="0.001"} 0
                sample_lag_seconds_bucket{protocol="h1",le="0.01"} 0
                sample_lag_seconds_bucket{protocol="h1",le="1.0"} 0
                sample_lag_seconds_bucket{protocol="h1",le="+Inf"} 0
                sample_lag_seconds_sum{protocol="h1"} 0
                sample_lag_seconds_count{protocol="h1"} 0
                sample_lag_seconds_bucket{protocol="h2",le="0.001"} 0
                sample_lag_seconds_bucket{protocol="h2",le="0.01"} 2
                sample_lag_seconds_bucket{protocol="h2",le="1.0"} 2
                sample_lag_seconds_bucket{protocol="h2",le="+Inf"} 3
                sample_lag_seconds_sum{protocol="h2"} 2.003
                sample_lag_seconds_count{protocol="h2"} 3
                # HELP sample_streams_active Streams open now.
                # TYPE sample_streams_active gauge
                sample_streams_active 2
                # HELP sample_streams_opened_total Streams opened.
                # TYPE sample_streams_opened_total counter
                sample_streams_opened_total{protocol="h1"} 3
                sample_streams_opened_total{protocol="h2"} 0

                """)
    }

    @Test func openMetricsLooksLikeThis() {
        let trace = "0123456789abcdef0000000000000abc"
        #expect(
            Self.filledCatalogue().text(.openMetrics) == """
                # TYPE sample_connection_size histogram
                # HELP sample_connection_size Requests of a connection.
                sample_connection_size_bucket{le="1.0"} 0
                sample_connection_size_bucket{le="2.0"} 1
                sample_connection_size_bucket{le="4.0"} 1
                sample_connection_size_bucket{le="+Inf"} 1
                sample_connection_size_sum 2
                sample_connection_size_count 1
                # TYPE sample_lag_seconds histogram
                # UNIT sample_lag_seconds seconds
                # HELP sample_lag_seconds From publish to write.
                sample_lag_seconds_bucket{protocol="h1",le="0.001"} 0
                sample_lag_seconds_bucket{protocol="h1",le="0.01"} 0
                sample_lag_seconds_bucket{protocol="h1",le="1.0"} 0
                sample_lag_seconds_bucket{protocol="h1",le="+Inf"} 0
                sample_lag_seconds_sum{protocol="h1"} 0
                sample_lag_seconds_count{protocol="h1"} 0
                sample_lag_seconds_bucket{protocol="h2",le="0.001"} 0
                sample_lag_seconds_bucket{protocol="h2",le="0.01"} 2 \
                # {trace_id="\(trace)",span_id="00000000000000ff"} 0.0015 1700000000.123
                sample_lag_seconds_bucket{protocol="h2",le="1.0"} 2
                sample_lag_seconds_bucket{protocol="h2",le="+Inf"} 3
                sample_lag_seconds_sum{protocol="h2"} 2.003
                sample_lag_seconds_count{protocol="h2"} 3
                # TYPE sample_streams_active gauge
                # HELP sample_streams_active Streams open now.
                sample_streams_active 2
                # TYPE sample_streams_opened counter
                # HELP sample_streams_opened Streams opened.
                sample_streams_opened_total{protocol="h1"} 3
                sample_streams_opened_total{protocol="h2"} 0
                # EOF

                """)
    }

    @Test func helpAndLabelValuesAreEscaped() {
        let odd = "back\\slash \"quote\"\nline\rreturn ünï"
        let family = MetricFamily.gauge("odd", help: odd, labels: ["a", "b"])
        let samples = [MetricFamilySamples(family, [(labelValues: [odd, ""], value: .unsigned(1))])]
        #expect(
            samples.text() == """
                # HELP odd back\\\\slash "quote"\\nline\rreturn ünï
                # TYPE odd gauge
                odd{a="back\\\\slash \\"quote\\"\\nline\rreturn ünï",b=""} 1

                """)
        #expect(
            samples.text(.openMetrics) == """
                # TYPE odd gauge
                # HELP odd back\\\\slash \\"quote\\"\\nline\rreturn ünï
                odd{a="back\\\\slash \\"quote\\"\\nline\rreturn ünï",b=""} 1
                # EOF

                """)
    }

    @Test func nothingIsAnExpositionToo() {
        #expect([MetricFamilySamples]().text() == "")
        #expect([MetricFamilySamples]().text(.openMetrics) == "# EOF\n")
    }

    @Test func anExemplarsLabelsStayWithinTheLimit() {
        let exemplar = Exemplar(traceIDHigh: .max, traceIDLow: .max, spanID: .max, unixNanoseconds: .max)
        var bytes: [UInt8] = []
        BucketExemplar(exemplar, value: 1).appendLabels(to: &bytes)
        // The limit counts names and values, not the punctuation.
        let counted = String(decoding: bytes, as: UTF8.self).filter { !"{}=\",".contains($0) }
        #expect(counted.count == 63)
        #expect(counted.count <= BucketExemplar.labelLimit)
    }
}
