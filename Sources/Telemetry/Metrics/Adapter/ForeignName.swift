// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Turns the labels and dimensions of swift-metrics, which may be any text, into names and labels of Prometheus.
enum ForeignName {
    /// In Unicode scalars. Longer names and values are cut: nobody reads them, and memory is bounded.
    static let lengthLimit = 120
    /// More dimensions are left out.
    static let dimensionLimit = 16

    /// The names to try, the best one first.
    static func names(label: String, unit: String?, isCounter: Bool) -> [String] {
        var name = sanitized(label)
        if name.hasSuffix("_total") { name.removeLast("_total".count) }
        if let unit, !name.hasSuffix("_" + unit) { name += "_" + unit }
        // Suffixes of a histogram's samples: a gauge "queue.count" would look like one of them.
        let isReserved = ["_count", "_sum", "_bucket", "_created", "_info"].contains(where: name.hasSuffix)
        if isCounter {
            name += "_total"
        } else if isReserved {
            name += "_value"
        }
        return [name, "swift_metrics_" + name]
    }

    /// Sorted by name: the same dimensions in another order are the same series to Prometheus.
    static func labels(_ dimensions: [(String, String)]) -> MetricLabels {
        var names: [String] = []
        var values: [String] = []
        for (name, value) in dimensions.prefix(dimensionLimit).map({ (label($0.0), $0.1) }).sorted(by: <) {
            var unique = name
            var number = 2
            while names.contains(unique) {
                unique = "\(name)_\(number)"
                number += 1
            }
            names.append(unique)
            values.append(cut(value))
        }
        return MetricLabels(names: names, values: values)
    }

    private static func label(_ name: String) -> String {
        let name = sanitized(name)
        // Those of buckets and quantiles.
        return name == "le" || name == "quantile" ? "label_" + name : name
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*` without two underscores in front; every other character becomes an underscore.
    static func sanitized(_ text: String) -> String {
        var name = ""
        for scalar in text.unicodeScalars.prefix(lengthLimit) {
            let isAllowed = scalar.isASCII && UInt8(truncatingIfNeeded: scalar.value).isNameCharacter
            name.unicodeScalars.append(isAllowed ? scalar : "_")
        }
        while name.hasPrefix("__") { name.removeFirst() }
        if name.utf8.first.map(\.isDigit) ?? true { name = "_" + name }
        return name
    }

    /// The beginning of a text. Not by characters, each of which may have any number of bytes.
    static func cut(_ text: String) -> String {
        String(text.unicodeScalars.prefix(lengthLimit))
    }
}
