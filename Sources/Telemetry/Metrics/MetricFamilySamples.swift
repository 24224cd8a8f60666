// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The values of one family at one moment, ready to be rendered.
public struct MetricFamilySamples: Sendable {
    public let family: MetricFamily
    public internal(set) var series: [MetricSeries]

    public init(_ family: MetricFamily, _ series: [MetricSeries]) {
        self.family = family
        self.series = series
    }

    /// A family without labels.
    public init(_ family: MetricFamily, _ value: MetricValue) {
        self.init(family, [MetricSeries(.none, value)])
    }

    /// A family with labels: the values of each series' labels, in the order of the family's names.
    public init(_ family: MetricFamily, _ series: [(labelValues: [String], value: MetricValue)]) {
        self.init(
            family,
            series.map { MetricSeries(MetricLabels(names: family.labelNames, values: $0.labelValues), $0.value) }
        )
    }
}

/// One series of a family.
public struct MetricSeries: Sendable, Equatable {
    public let labels: MetricLabels
    public let value: MetricValue

    public init(_ labels: MetricLabels, _ value: MetricValue) {
        self.labels = labels
        self.value = value
    }
}

/// One number, or one histogram.
public enum MetricValue: Sendable, Equatable {
    case unsigned(UInt64)
    case signed(Int64)
    case floating(Double)
    case histogram(HistogramValue)
}

/// The state of one histogram.
public struct HistogramValue: Sendable, Equatable {
    /// Observations in each bucket alone, not cumulated; one more than there are bounds.
    public let buckets: [UInt64]
    /// In the unit that is exposed.
    public let sum: Double
    /// The last exemplar of each bucket, or none at all.
    public let exemplars: [BucketExemplar?]

    public init(buckets: [UInt64], sum: Double, exemplars: [BucketExemplar?] = []) {
        self.buckets = buckets
        self.sum = sum
        self.exemplars = exemplars
    }

    public var count: UInt64 { buckets.reduce(0, &+) }
}
