// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Foundation
import Telemetry
import Testing

@testable import Origin

/// Holds the catalogues against themselves and against docs/metrics.md and docs/spans.md, both ways.
@Suite struct CatalogueTests {
    private static func document(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
    }

    /// The cells of all table rows that open with a word in backticks.
    private static func rows(of name: String) throws -> [[String]] {
        try self.document(name).split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    private static func families() async throws -> [MetricFamily] {
        let telemetry = try TestTelemetry.make()
        let book = try MetricBook(registry: telemetry.registry, dynamic: telemetry.dynamic)
        return book.series.layout.families + book.counts.layout.families + [
            MetricCatalogue.requestDuration, MetricCatalogue.clientDeliveryLag, MetricCatalogue.streamsLimit,
            MetricCatalogue.connectionsLimit, MetricCatalogue.heartbeatInterval, MetricCatalogue.draining,
        ] + PipelineMetrics.families + [PipelineMetrics.operationDuration] + ProcessMetrics.families
    }

    @Test func theCatalogueOfMetricsHasNoMistakes() async throws {
        for family in try await Self.families() { #expect(family.problems.isEmpty, "\(family.name)") }
        #expect(OriginMetrics().problems.isEmpty)
        #expect(ProcessCounts().problems.isEmpty)
    }

    @Test func everyMetricHasOneRowWithItsTypeAndLabelsAndEveryRowAMetric() async throws {
        let rows = try Self.rows(of: "metrics.md")
        let families = try await Self.families()
        let documented = rows.map { $0[0].replacingOccurrences(of: "`", with: "") }
        #expect(documented.sorted() == (families.map(\.name) + ["headwater_build_info"]).sorted())
        for family in families {
            let row = try #require(rows.first { $0[0] == "`\(family.name)`" })
            #expect(row[1] == family.kind.word, "\(family.name)")
            let labels = row[2].split(separator: "`").filter { $0.allSatisfy { $0.isLetter || $0 == "_" } }
                .map(String.init)
            for label in family.labelNames { #expect(labels.contains(label), "\(family.name) \(label)") }
        }
    }

    @Test func everySpanAndAttributeHasOneRowAndEveryRowOne() throws {
        let documented = try Self.rows(of: "spans.md").map { $0[0].replacingOccurrences(of: "`", with: "") }
        let known = SpanName.allCases.map(\.rawValue) + SpanKey.all.map(\.name)
        #expect(documented.sorted() == known.sorted())
    }
}
