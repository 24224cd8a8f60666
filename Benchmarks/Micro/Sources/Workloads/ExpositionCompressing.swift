// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

@testable import Telemetry

/// As for a scrape that accepts gzip.
final class ExpositionCompressing: Workload {
    private let text: [UInt8]

    init() throws {
        self.text = Exposition.render(try SampleMetrics.families(), as: .openMetrics)
        let compressed = try Gzip.compress(self.text, level: .fastest)
        try expect(try Gzip.decompress(compressed, limit: self.text.count) == self.text, "it is not the same text")
        try expect(compressed.count * 5 < self.text.count, "\(self.text.count) bytes became \(compressed.count)")
    }

    func run(_ steps: Int) -> Int {
        var bytes = 0
        for _ in 0..<steps {
            guard let compressed = try? Gzip.compress(self.text, level: .fastest) else { return -1 }
            bytes &+= compressed.count
        }
        return bytes
    }
}
