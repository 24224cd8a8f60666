// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// Samples as CSV (RFC 4180): a head line, then a line for each event in the order of arrival on its stream. From it
/// every percentile of a report can be computed again.
public enum SampleTable {
    public static let columns = [
        "path", "stream", "number", "id", "type", "sequence", "publish_unix_ns", "first_byte_ns", "last_byte_ns",
        "latency_ms", "bytes", "read",
    ]

    /// - Parameter write: gets pieces of the table, each of whole lines.
    public static func write(
        _ samples: [EventSample],
        names: [String],
        clocks: [ClockTrack],
        to write: (String) throws -> Void
    ) rethrows {
        try write(columns.joined(separator: ",") + "\n")
        var piece = ""
        for sample in samples {
            piece += line(sample, names: names, clocks: clocks)
            if piece.utf8.count > 65_536 {
                try write(piece)
                piece = ""
            }
        }
        try write(piece)
    }

    private static func line(_ sample: EventSample, names: [String], clocks: [ClockTrack]) -> String {
        let name = names.indices.contains(sample.path) ? names[sample.path] : "\(sample.path)"
        let clock = clocks.indices.contains(sample.path) ? clocks[sample.path] : ClockTrack([])
        let cells = [
            quoted(name), "\(sample.stream)", "\(sample.number)", quoted(sample.id ?? ""), quoted(sample.type ?? ""),
            sample.sequence.map { "\($0)" } ?? "", sample.publishTime.map { "\($0)" } ?? "", "\(sample.firstByte)",
            "\(sample.lastByte)", clock.latency(of: sample).milliseconds.map { "\($0)" } ?? "", "\(sample.bytes)",
            "\(sample.read)",
        ]
        return cells.joined(separator: ",") + "\n"
    }

    static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
