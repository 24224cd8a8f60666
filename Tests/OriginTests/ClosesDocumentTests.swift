// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Testing

@testable import Origin

/// Holds docs/close-reasons.md against the enums, both ways.
@Suite struct ClosesDocumentTests {
    /// The words in backticks that open the rows of the table under `heading`.
    private func rows(under heading: String) throws -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/close-reasons.md"), encoding: .utf8)
        let sections = text.components(separatedBy: "\n## ")
        let section = try #require(sections.first { $0.hasPrefix(heading + "\n") })
        return section.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { line in
            line.split(separator: "`", maxSplits: 2).dropFirst().first.map(String.init)
        }
    }

    @Test func everyReasonHasOneRowAndEveryRowAReason() throws {
        let rows = try rows(under: "Reasons")
        #expect(rows.sorted() == CloseReason.allCases.map(\.rawValue).sorted())
    }

    @Test func everyConfidenceHasOneRowAndEveryRowAConfidence() throws {
        let rows = try rows(under: "Confidence")
        #expect(rows.sorted() == Confidence.allCases.map(\.rawValue).sorted())
    }

    @Test func everyKeyOfTheEvidenceHasOneRowAndEveryRowAKey() throws {
        let rows = try rows(under: "Evidence")
        #expect(rows.sorted() == Finding.Key.allCases.map(\.rawValue).sorted())
    }
}
