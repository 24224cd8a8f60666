// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Renders metrics as Prometheus text 0.0.4 or OpenMetrics 1.0.
/// https://prometheus.io/docs/instrumenting/exposition_formats/
/// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
///
/// It writes what it is given, in that order; ``MetricRegistry`` has checked the names and sorted. Decisions:
///
/// - No timestamps: the moment of the scrape is the right one, and Prometheus handles staleness better without.
/// - No `_created` samples in OpenMetrics. They are optional, double the number of series where Prometheus ingests
///   them as such, and say here what `process_start_time_seconds` says: everything counts from the process's start.
/// - Bounds read the same in both formats, `le="1.0"`; see ``MetricFamilyLines``.
/// - Exemplars on the buckets of histograms, in OpenMetrics only: the old format has none.
public enum Exposition {
    public static func render(_ families: [MetricFamilySamples], as format: ExpositionFormat) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(estimatedLength(families))
        for samples in families {
            let lines = samples.family.lines
            switch format {
            case .text: bytes += lines.textHeader
            case .openMetrics: bytes += lines.openMetricsHeader
            }
            for series in samples.series {
                switch series.value {
                case .histogram(let value):
                    append(value, of: lines, labels: series.labels.rendered, format: format, to: &bytes)
                case .unsigned(let number):
                    appendName(lines.sample, labels: series.labels.rendered, to: &bytes)
                    MetricNumber.append(number, to: &bytes)
                    bytes.append(newline)
                case .signed(let number):
                    appendName(lines.sample, labels: series.labels.rendered, to: &bytes)
                    MetricNumber.append(number, to: &bytes)
                    bytes.append(newline)
                case .floating(let number):
                    appendName(lines.sample, labels: series.labels.rendered, to: &bytes)
                    MetricNumber.append(number, to: &bytes)
                    bytes.append(newline)
                }
            }
        }
        if format == .openMetrics { bytes += "# EOF\n".utf8 }
        return bytes
    }

    private static let newline = UInt8(ascii: "\n")

    private static func append(
        _ value: HistogramValue,
        of lines: MetricFamilyLines,
        labels: [UInt8],
        format: ExpositionFormat,
        to bytes: inout [UInt8]
    ) {
        var cumulated: UInt64 = 0
        for (index, bound) in lines.bounds.enumerated() {
            cumulated &+= index < value.buckets.count ? value.buckets[index] : 0
            bytes += lines.bucket
            bytes.append(UInt8(ascii: "{"))
            if !labels.isEmpty {
                bytes += labels
                bytes.append(UInt8(ascii: ","))
            }
            bytes += bound
            MetricNumber.append(cumulated, to: &bytes)
            if format == .openMetrics, index < value.exemplars.count, let exemplar = value.exemplars[index] {
                bytes += " # ".utf8
                exemplar.appendLabels(to: &bytes)
                bytes.append(UInt8(ascii: " "))
                MetricNumber.append(exemplar.value, to: &bytes)
                bytes.append(UInt8(ascii: " "))
                MetricNumber.append(seconds: exemplar.exemplar.unixNanoseconds, to: &bytes)
            }
            bytes.append(newline)
        }
        appendName(lines.sum, labels: labels, to: &bytes)
        MetricNumber.append(value.sum, to: &bytes)
        bytes.append(newline)
        appendName(lines.count, labels: labels, to: &bytes)
        MetricNumber.append(cumulated, to: &bytes)
        bytes.append(newline)
    }

    private static func appendName(_ name: [UInt8], labels: [UInt8], to bytes: inout [UInt8]) {
        bytes += name
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes += labels
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
    }

    /// A little more than is likely needed, so that the array does not grow while it is written.
    private static func estimatedLength(_ families: [MetricFamilySamples]) -> Int {
        families.reduce(64) { length, samples in
            let lines = samples.family.lines
            let line = lines.bucket.count + 32
            return samples.series.reduce(length + lines.openMetricsHeader.count + 32) { length, series in
                length + (line + series.labels.rendered.count) * (lines.bounds.isEmpty ? 1 : lines.bounds.count + 2)
            }
        }
    }
}
