// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// The proof for people: sockets against streams on both sides, then latency over the streams.
extension MultiplexingResult {
    public func text(_ style: TextStyle) -> [String] {
        var lines = paths.map { path in
            let version = [path.httpVersion, path.tls].compactMap(\.self).joined(separator: " over ")
            return "\(style.paint(path.name, .bold))  \(path.url)  \(version)"
        }
        lines.append("")
        lines += TextStyle.table(
            [["path", "streams", "sockets here", "ratio", "sockets at origin", "ratio"]]
                + multiplexing.map { path in
                    [
                        path.name, "\(path.opened)", path.client.map { "\($0.sockets)" } ?? "–",
                        path.client.map { TextStyle.fixed($0.ratio, 1) } ?? "–",
                        path.origin.map { "\($0.sockets)" } ?? "–",
                        path.origin.map { TextStyle.fixed($0.ratio, 1) } ?? "–",
                    ]
                })
        for path in multiplexing {
            for (side, found) in [("here", path.client), ("origin", path.origin)] {
                guard let found, found.sockets < found.streams else { continue }
                lines += found.evidence.prefix(3).map { socket in
                    let numbers = socket.requests.prefix(8).map(String.init).joined(separator: ", ")
                    let more = socket.streams > 8 ? ", …" : ""
                    return "  \(path.name), \(side): connection \(socket.id) carries \(socket.streams) streams, "
                        + "its requests \(numbers)\(more)"
                }
            }
        }
        lines.append("")
        lines += TextStyle.table(
            [["over streams", "TTFB p50", "p99", "latency p50", "worst p99", "jitter p50", "worst", "lost"]]
                + paths.map { path in row(of: path.name, in: streams.filter { $0.path == path.name }) })
        return lines
    }

    private func row(of name: String, in streams: [StreamSummary]) -> [String] {
        let ttfb = Distribution(streams.compactMap(\.ttfbMs))
        let latency = Distribution(streams.compactMap(\.latencyP50Ms))
        let worst = streams.compactMap(\.latencyP99Ms).max()
        let jitter = Distribution(streams.compactMap(\.jitterMedianMs))
        return [
            name, TextStyle.milliseconds(ttfb?.median), TextStyle.milliseconds(ttfb?.percentile(99)),
            TextStyle.milliseconds(latency?.median), TextStyle.milliseconds(worst),
            TextStyle.milliseconds(jitter?.median), TextStyle.milliseconds(jitter?.maximum),
            "\(streams.reduce(0) { $0 + $1.lost })",
        ]
    }
}
