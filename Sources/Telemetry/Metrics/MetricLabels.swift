// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The labels of one series, rendered once as the exposition writes them: `name="value",name="value"`.
///
/// Two sets are equal if they look the same there, which is finer than equality of strings: Unicode's canonically
/// equivalent texts are different values to Prometheus. The order is that of the bytes.
public struct MetricLabels: Sendable, Hashable, Comparable, CustomStringConvertible {
    let rendered: [UInt8]

    public static let none = MetricLabels(rendered: [])

    private init(rendered: [UInt8]) {
        self.rendered = rendered
    }

    /// - Parameters:
    ///   - names: Valid names of labels, each once; see ``MetricFamily/problems``.
    ///   - values: Any texts. One that is missing is empty, one too many is left out.
    public init(names: [String], values: [String]) {
        var bytes: [UInt8] = []
        for (index, name) in names.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            if index < values.count { Self.escape(values[index], quotes: true, into: &bytes) }
            bytes.append(UInt8(ascii: "\""))
        }
        rendered = bytes
    }

    public var description: String {
        "{" + String(decoding: rendered, as: UTF8.self) + "}"
    }

    public static func < (one: MetricLabels, other: MetricLabels) -> Bool {
        one.rendered.lexicographicallyPrecedes(other.rendered)
    }

    /// Appends `text` with backslashes, line feeds and, for values of labels and all of OpenMetrics, quotes escaped.
    /// Neither format has another escape: everything else stands for itself, carriage returns too.
    static func escape(_ text: String, quotes: Bool, into bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where quotes: bytes.append(contentsOf: "\\\"".utf8)
            default: bytes.append(byte)
            }
        }
    }
}
