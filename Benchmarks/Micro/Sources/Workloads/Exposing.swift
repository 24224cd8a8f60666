// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Telemetry

final class Exposing: Workload {
    private let families: [MetricFamilySamples]
    private let format: ExpositionFormat

    init(_ format: ExpositionFormat) throws {
        self.families = try SampleMetrics.families()
        self.format = format
        let lines = Exposition.render(self.families, as: format).split(separator: UInt8(ascii: "\n"))
        let comments = lines.count { $0.first == UInt8(ascii: "#") }
        try expect(lines.count - comments > 400, "there are only \(lines.count - comments) samples")
        let hasExemplars = lines.contains { $0.contains(UInt8(ascii: "#")) && $0.first != UInt8(ascii: "#") }
        try expect(hasExemplars == (format == .openMetrics), "exemplars: \(hasExemplars)")
    }

    func run(_ steps: Int) -> Int {
        var bytes = 0
        for _ in 0..<steps { bytes &+= Exposition.render(self.families, as: self.format).count }
        return bytes
    }
}
