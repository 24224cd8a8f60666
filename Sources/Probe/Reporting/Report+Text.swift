// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// A report for people: the command's own lines, then findings, thresholds and what limits the figures.
extension Report {
    public func text(_ style: TextStyle) -> [String] {
        var lines = result.text(style)
        if !findings.isEmpty { lines.append("") }
        for finding in findings { lines += Self.text(of: finding, style) }
        if !thresholds.isEmpty { lines.append("") }
        for verdict in thresholds {
            lines.append(
                "\(verdict.passed ? style.paint("ok", .green) : style.paint("FAIL", .red))  \(verdict.message)")
        }
        if samplesDropped > 0 {
            lines.append("\(samplesDropped) events beyond the memory for samples are counted, but in no percentile")
        }
        if interrupted {
            lines.append("interrupted after \(TextStyle.fixed(durationSeconds, 1)) s: the figures are of what came")
        }
        return lines
    }

    private static func text(of finding: Finding, _ style: TextStyle) -> [String] {
        let mark =
            switch finding.severity {
            case .problem: style.paint("problem", .red)
            case .warning: style.paint("warning", .yellow)
            case .note: style.paint("note", .cyan)
            }
        let path = finding.path.map { "\($0): " } ?? ""
        return ["\(mark)  \(path)\(finding.text)"] + (finding.advice.map { ["  → \($0)"] } ?? [])
    }
}
