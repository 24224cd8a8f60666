// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What to send to a terminal so that new lines take the place of those before: ECMA-48 cursor movement, no more. It
/// remembers how long the lines were, since a window made narrower wraps them.
public struct LiveScreen: Sendable {
    /// Visible lengths of the lines that are on the screen, the cursor below them.
    private var lengths: [Int] = []

    public init() {}

    public mutating func drawing(_ lines: [String], columns: Int, rows: Int) -> String {
        let start = home(columns: columns)
        // More than a screen cannot be gone back over.
        let room = max(1, rows - 1)
        let shown = lines.count <= room ? lines : Array(lines.prefix(room))
        lengths = shown.map(Self.visibleLength)
        // Erase to the end of each line, then what is below (ECMA-48, 8.3.41 EL and 8.3.39 ED).
        return start + shown.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }

    /// Takes everything away again.
    public mutating func erasing(width: Int) -> String {
        let start = home(columns: width)
        lengths = []
        return start + "\u{1B}[J"
    }

    /// To the beginning of the first line (ECMA-48, 8.3.22 CUU).
    private func home(columns: Int) -> String {
        let rows = lengths.reduce(0) { $0 + max(1, ($1 + columns - 1) / max(1, columns)) }
        return rows > 0 ? "\r\u{1B}[\(rows)A" : "\r"
    }

    /// Without what `TextStyle.paint` adds.
    static func visibleLength(_ line: String) -> Int {
        var count = 0
        var isEscape = false
        for character in line {
            if character == "\u{1B}" {
                isEscape = true
            } else if isEscape {
                if character == "m" { isEscape = false }
            } else {
                count += 1
            }
        }
        return count
    }
}
