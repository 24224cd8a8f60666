// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// How text for people looks: with colour on a terminal, plain elsewhere. Only the eight colours that every terminal
/// theme defines for both light and dark.
public struct TextStyle: Sendable, Hashable {
    public enum Tone: Int, Sendable {
        case bold = 1
        case faint = 2
        case red = 31
        case green = 32
        case yellow = 33
        case cyan = 36
    }

    public var hasColour: Bool

    public static let plain = TextStyle(hasColour: false)
    public static let coloured = TextStyle(hasColour: true)

    public init(hasColour: Bool) {
        self.hasColour = hasColour
    }

    /// Select Graphic Rendition of ECMA-48, section 8.3.117.
    public func paint(_ text: String, _ tone: Tone) -> String {
        hasColour ? "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Three to four significant digits.
    public static func number(_ value: Double) -> String {
        let magnitude = abs(value)
        if value == value.rounded(), magnitude < 1e15 { return String(Int64(value)) }
        let digits = magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : 3
        return fixed(value, digits)
    }

    /// With so many digits after the point.
    public static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let (whole, fraction) = scaled.quotientAndRemainder(dividingBy: Int64(scale))
        let text = String(fraction)
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - text.count) + text
    }

    /// Milliseconds, or a dash for none.
    public static func milliseconds(_ value: Double?) -> String {
        value.map { "\(number($0)) ms" } ?? "–"
    }

    /// Columns as wide as their widest cell; the first is left aligned, the others right.
    public static func table(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.compactMap { $0.indices.contains(column) ? $0[column].count : nil }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
