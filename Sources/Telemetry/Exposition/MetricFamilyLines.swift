// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The parts of the exposition that are the same in every scrape of a family: comments, sample names, bounds.
///
/// A class, so that the many copies of a family share one. With names that are not valid, which nothing exposes, the
/// bytes are of no use, but nothing fails.
final class MetricFamilyLines: Sendable {
    /// `# HELP` and `# TYPE` of Prometheus text 0.0.4.
    let textHeader: [UInt8]
    /// `# TYPE`, `# UNIT` and `# HELP` of OpenMetrics.
    let openMetricsHeader: [UInt8]
    /// The name of a counter's or gauge's samples.
    let sample: [UInt8]
    let bucket: [UInt8]
    let sum: [UInt8]
    let count: [UInt8]
    /// For each bucket, `le="0.1"} `. The same text in both formats, with the point that OpenMetrics demands: a label
    /// value that differed would make another series of the same bucket whenever the negotiation ends differently.
    let bounds: [[UInt8]]

    init(name: String, help: String, unit: String?, kind: MetricFamily.Kind, isUntypedInOpenMetrics: Bool) {
        let isCounter = kind == .counter && name.hasSuffix("_total") && !isUntypedInOpenMetrics
        let base = isCounter ? String(name.dropLast("_total".count)) : name
        var text = [UInt8]("# HELP \(name) ".utf8)
        MetricLabels.escape(help, quotes: false, into: &text)
        text += "\n# TYPE \(name) \(kind.word)\n".utf8
        textHeader = text
        var open = [UInt8]("# TYPE \(base) \(isUntypedInOpenMetrics ? "unknown" : kind.word)\n".utf8)
        if let unit { open += "# UNIT \(base) \(unit)\n".utf8 }
        open += "# HELP \(base) ".utf8
        MetricLabels.escape(help, quotes: true, into: &open)
        open.append(UInt8(ascii: "\n"))
        openMetricsHeader = open
        sample = [UInt8](name.utf8)
        bucket = [UInt8]("\(name)_bucket".utf8)
        sum = [UInt8]("\(name)_sum".utf8)
        count = [UInt8]("\(name)_count".utf8)
        if case .histogram(let its) = kind {
            bounds = its.labels.map { [UInt8]("le=\"\($0)\"} ".utf8) }
        } else {
            bounds = []
        }
    }
}
