// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What a metric is: its name, what it means, its unit, its kind and the names of its labels.
///
/// A description only; the values live in ``MetricCells`` or ``DynamicMetrics``. The lines and line parts that depend
/// on nothing else are rendered here once, so a family is made once and kept, as a `static let` of a catalogue.
///
/// Making one never fails and never traps: what is wrong with it is in ``problems``, a catalogue's test expects none,
/// and a family with problems is not exposed, because one bad line would make Prometheus refuse the whole scrape.
public struct MetricFamily: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// Only grows, and starts at zero with the process.
        case counter
        /// Goes up and down.
        case gauge
        case histogram(HistogramBounds)

        /// The word after `# TYPE`.
        public var word: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    /// The name as queries write it: a counter's ends in `_total`.
    public let name: String
    /// One sentence for the reader of a dashboard. Any text: it is escaped.
    public let help: String
    /// A base unit in the plural, such as `seconds` or `bytes`, which then ends the name (before `_total`).
    public let unit: String?
    public let kind: Kind
    public let labelNames: [String]
    /// Whether each bucket of a histogram keeps its last exemplar: five words a bucket, and only OpenMetrics shows it.
    public let hasExemplars: Bool
    /// Whether OpenMetrics shows this counter under its whole name and as `unknown`; see `counter`.
    public let isUntypedInOpenMetrics: Bool
    /// Whether series that have counted nothing are left out: for labels of which few combinations ever happen. The
    /// price is that `rate()` misses what a series counted before its first scrape, so it is not the default.
    public let omitsUnused: Bool
    /// What the exposition writes for every series of this family.
    let lines: MetricFamilyLines

    init(
        name: String,
        help: String,
        unit: String?,
        kind: Kind,
        labelNames: [String],
        hasExemplars: Bool = false,
        isUntypedInOpenMetrics: Bool = false,
        omitsUnused: Bool = false
    ) {
        self.name = name
        self.help = help
        self.unit = unit
        self.kind = kind
        self.labelNames = labelNames
        self.hasExemplars = hasExemplars
        self.isUntypedInOpenMetrics = isUntypedInOpenMetrics
        self.omitsUnused = omitsUnused
        lines = MetricFamilyLines(
            name: name, help: help, unit: unit, kind: kind, isUntypedInOpenMetrics: isUntypedInOpenMetrics)
    }

    /// - Parameter isUntypedInOpenMetrics: There a family's name lacks `_total`, so that a counter `x_total` and a
    ///   histogram `x` would be two families of one name, which is not allowed. This counter then keeps its whole name
    ///   and has no type.
    public static func counter(
        _ name: String,
        help: String,
        unit: String? = nil,
        labels: [String] = [],
        isUntypedInOpenMetrics: Bool = false,
        omitsUnused: Bool = false
    ) -> MetricFamily {
        MetricFamily(
            name: name,
            help: help,
            unit: unit,
            kind: .counter,
            labelNames: labels,
            isUntypedInOpenMetrics: isUntypedInOpenMetrics,
            omitsUnused: omitsUnused
        )
    }

    public static func gauge(
        _ name: String,
        help: String,
        unit: String? = nil,
        labels: [String] = []
    ) -> MetricFamily {
        MetricFamily(name: name, help: help, unit: unit, kind: .gauge, labelNames: labels)
    }

    public static func histogram(
        _ name: String,
        help: String,
        unit: String? = nil,
        bounds: HistogramBounds,
        labels: [String] = [],
        exemplars: Bool = false,
        omitsUnused: Bool = false
    ) -> MetricFamily {
        MetricFamily(
            name: name,
            help: help,
            unit: unit,
            kind: .histogram(bounds),
            labelNames: labels,
            hasExemplars: exemplars,
            omitsUnused: omitsUnused
        )
    }

    public static func == (one: MetricFamily, other: MetricFamily) -> Bool {
        one.name == other.name && one.help == other.help && one.unit == other.unit && one.kind == other.kind
            && one.labelNames == other.labelNames && one.hasExemplars == other.hasExemplars
            && one.isUntypedInOpenMetrics == other.isUntypedInOpenMetrics
            && one.omitsUnused == other.omitsUnused
    }
}
