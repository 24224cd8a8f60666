// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

/// What `probe h2` found: the same number of streams on each path, and on how many sockets, here and at the origin.
public struct MultiplexingResult: ProbeResult {
    public static let command = "h2"

    /// A path's sockets.
    public struct PathMultiplexing: Encodable, Sendable {
        public let name: String
        /// Streams that were asked for, and those that got a response.
        public let wanted, opened: Int
        /// Nil when nothing opened.
        public let client: MuxSide?
        /// Nil when the responses do not say.
        public let origin: MuxSide?
    }

    public let paths: [PathSummary]
    public let multiplexing: [PathMultiplexing]
    public let streams: [StreamSummary]

    public init(_ outcome: Measurement.Outcome, wanted: Int, fields: OriginConnection.Fields = .init()) {
        let snapshot = outcome.snapshot
        paths = outcome.paths.enumerated().map { index, path in
            PathSummary(path: path, index: index, snapshot: snapshot, clock: outcome.clocks[index])
        }
        // First attempts only: a reconnect is another request of the same stream.
        let records = snapshot.streams.filter { $0.attempt == 1 }
        multiplexing = outcome.paths.enumerated().map { index, path in
            let opened = records.filter { $0.path == index && $0.status == 200 }
            let client = opened.compactMap { record in
                record.connection.map { (id: "\($0.number)", request: $0.request) }
            }
            let origin = opened.compactMap { record in
                OriginConnection(record.headers, fields: fields).map { (id: $0.id, request: $0.request) }
            }
            return PathMultiplexing(
                name: path.name, wanted: wanted, opened: opened.count, client: MuxSide(client), origin: MuxSide(origin))
        }
        let start = records.map(\.started).min() ?? 0
        let samples = Dictionary(grouping: snapshot.samples) { [$0.path, $0.stream] }
        streams = records.map { record in
            StreamSummary(
                path: outcome.paths[record.path].name, record: record,
                samples: samples[[record.path, record.stream]] ?? [], clock: outcome.clocks[record.path], start: start,
                fields: fields)
        }
    }

    public var measures: [Measure] {
        paths.flatMap(\.measures)
            + multiplexing.flatMap { path in
                [
                    path.client.map { Measure("mux_ratio", path: path.name, $0.ratio, .ratio) },
                    path.origin.map { Measure("origin_mux_ratio", path: path.name, $0.ratio, .ratio) },
                    Measure("opened", path: path.name, Double(path.opened), .count),
                ].compactMap(\.self)
            }
    }

    public var findings: [Finding] { paths.flatMap(\.findings) + multiplexing.flatMap(\.findings) }

    public var exit: ProbeExit { paths.map(\.exit).first { $0 != .success } ?? .success }
}

extension MultiplexingResult.PathMultiplexing {
    var findings: [Finding] {
        var findings: [Finding] = []
        if opened < wanted {
            findings.append(
                Finding(
                    .problem, path: name, "only \(opened) of \(wanted) streams opened",
                    advice: "look at the limits of connections and streams on the way, and at those of this process"))
        }
        guard let client, client.streams > 1 else { return findings }
        if client.sockets == client.streams {
            findings.append(
                Finding(.note, path: name, "each stream has a socket of its own here, as in HTTP/1.1"))
        } else {
            findings.append(
                Finding(
                    .note, path: name,
                    "\(client.streams) streams share \(client.sockets) socket\(client.sockets == 1 ? "" : "s") here"))
        }
        guard let origin else {
            findings.append(
                Finding(
                    .note, path: name, "the responses do not say which of its connections the origin used",
                    advice: "Headwater sends X-SSE-Connection; for another origin name its fields with "
                        + "--origin-connection-field and --origin-request-field"))
            return findings
        }
        if origin.sockets == origin.streams {
            findings.append(
                // Where even we have a socket for each stream, nobody claimed otherwise.
                Finding(
                    client.ratio > 1 ? .warning : .note, path: name,
                    "the origin holds one socket for each stream: nothing is multiplexed there",
                    advice: "speak HTTP/2 to the origin: HAProxy wants proto h2 and http-reuse always, Envoy "
                        + "http2_protocol_options, Caddy h2c://; nginx and httpd cannot"))
        } else {
            findings.append(
                Finding(
                    .note, path: name,
                    "the origin carries \(origin.streams) streams on \(origin.sockets) "
                        + "socket\(origin.sockets == 1 ? "" : "s"): multiplexed"))
        }
        return findings
    }
}
