// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Telemetry

/// A small catalogue in the shape of a real one: what most tests count into.
struct SampleCatalogue {
    static let opened = MetricFamily.counter(
        "sample_streams_opened_total",
        help: "Streams opened.",
        labels: ["protocol"]
    )
    static let active = MetricFamily.gauge("sample_streams_active", help: "Streams open now.")
    static let lag = MetricFamily.histogram(
        "sample_lag_seconds",
        help: "From publish to write.",
        unit: "seconds",
        bounds: .seconds([0.001, 0.01, 1]),
        labels: ["protocol"],
        exemplars: true
    )
    static let requests = MetricFamily.histogram(
        "sample_connection_size",
        help: "Requests of a connection.",
        bounds: .plain([1, 2, 4])
    )

    let layout: MetricLayout
    let openedH1: CounterID
    let openedH2: CounterID
    let active: GaugeID
    let lagH1: HistogramID
    let lagH2: HistogramID
    let requests: HistogramID

    init() {
        var builder = MetricLayout.Builder()
        openedH2 = builder.counter(Self.opened, "h2")
        lagH2 = builder.histogram(Self.lag, "h2")
        requests = builder.histogram(Self.requests)
        active = builder.gauge(Self.active)
        lagH1 = builder.histogram(Self.lag, "h1")
        openedH1 = builder.counter(Self.opened, "h1")
        layout = builder.finish()
    }

    /// A trace id that ends in `id`, at this many milliseconds of Unix time.
    static func exemplar(_ id: UInt64, milliseconds: UInt64 = 1_700_000_000_123) -> Exemplar {
        Exemplar(
            traceIDHigh: 0x0123_4567_89ab_cdef,
            traceIDLow: id,
            spanID: 0xff,
            unixNanoseconds: milliseconds * 1_000_000
        )
    }
}

extension MetricSnapshot {
    /// The value of the series with these labels, as `{name="value"}`.
    func value(of family: MetricFamily, _ labels: String = "{}") -> MetricValue? {
        samples().value(of: family, labels)
    }
}

extension [MetricFamilySamples] {
    func value(of family: MetricFamily, _ labels: String = "{}") -> MetricValue? {
        first { $0.family == family }?.series.first { $0.labels.description == labels }?.value
    }

    func text(_ format: ExpositionFormat = .text) -> String {
        String(decoding: Exposition.render(self, as: format), as: UTF8.self)
    }
}
