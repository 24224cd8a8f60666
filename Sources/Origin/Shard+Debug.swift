// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What operators look at on the admin listener: readiness, and the live tables.

import NIOCore
import Transport

/// One open or ended stream in `/debug/streams`. Times in seconds.
struct StreamRow: Sendable, Encodable {
    var id: String
    var channel: String
    var peer: String
    var connectionPeer: String
    var `protocol`: String
    var path: String
    var connection: UInt64
    var request: UInt64
    var ageSeconds: Double
    var idleSeconds: Double
    var events: UInt64
    var bytes: UInt64
    var heartbeats: UInt64?
    var backlogBytes: Int?
    var blockedSeconds: Double?
    var resume: String?
    var reason: String?
    var confidence: String?
    var evidence: String?
    var traceId: String?
}

private struct StreamReport: Encodable {
    var opened: UInt64
    var closed: UInt64
    var active: UInt64
    var closedByReason: [String: UInt64]
    /// Rows left out because of `limit`.
    var omitted: UInt64
    var streams: [StreamRow]
    var recentlyClosed: [StreamRow]
}

/// One open connection in `/debug/connections`. Times in seconds.
struct ConnectionRow: Sendable, Encodable {
    var id: UInt64
    var listener: String
    var peer: String
    var `protocol`: String
    var ageSeconds: Double
    var requests: UInt64
    var streams: Int
    var peakStreams: Int
    var unacknowledgedBytes: Int?
    var unsentBytes: Int?
    var roundTripMicroseconds: Int?
    var alpn: String?
    var tlsVersion: String?
    var tlsCipher: String?
    var http2: HTTP2Row?
}

/// What only an HTTP/2 connection has. Windows and pending in bytes, stalls in number and seconds.
struct HTTP2Row: Sendable, Encodable {
    var goawayReceived: String?
    var connectionWindow: Int
    var pendingBytes: Int
    var refusedStreams: UInt64
    var resetsReceived: UInt64
    var streamStalls: UInt64
    var streamStallSeconds: Double
    var connectionStalls: UInt64
    var connectionStallSeconds: Double
}

private struct ConnectionReport: Encodable {
    var active: Int
    var accepted: Int
    var refused: Int
    var activeStreams: UInt64
    /// Active streams per active connection of the public listener.
    var muxRatio: Double
    var omitted: Int
    var connections: [ConnectionRow]
}

extension Shard {
    private static let defaultRows = 1000
    private static let maximumRows = 100_000

    func readiness() -> Response {
        if self.shared.isDraining { return .text("draining\n", status: .serviceUnavailable) }
        if self.shared.streams.isFull { return .text("at the limit of streams\n", status: .serviceUnavailable) }
        if self.shared.connections.activeConnections > self.configuration.maximumConnections {
            return .text("at the limit of connections\n", status: .serviceUnavailable)
        }
        return .text("ready\n")
    }

    func reportStreams(_ head: RequestHead, on stream: ServerStream) {
        let limit = Self.rowLimit(head)
        self.report(head, on: stream, rows: { $0.streamRows(limit: limit) }) { rows in
            let counts = self.shared.streams.counts
            let byReason = self.shared.closes.countsByReason.map { ($0.key.rawValue, $0.value) }
            let shown = Array(rows.joined().prefix(limit))
            return .json(
                StreamReport(
                    opened: counts.opened,
                    closed: counts.closed,
                    active: counts.active,
                    closedByReason: Dictionary(uniqueKeysWithValues: byReason),
                    omitted: counts.active > UInt64(shown.count) ? counts.active - UInt64(shown.count) : 0,
                    streams: shown,
                    recentlyClosed: self.shared.closes.recent.map(StreamRow.init)
                )
            )
        }
    }

    func reportConnections(_ head: RequestHead, on stream: ServerStream) {
        let limit = Self.rowLimit(head)
        self.report(head, on: stream, rows: { $0.connectionRows(limit: limit) }) { answers in
            let shown = Array(answers.flatMap(\.rows).prefix(limit))
            let all = answers.reduce(0) { $0 + $1.all }
            let active = self.shared.connections.activeConnections
            let streams = self.shared.streams.counts.active
            return .json(
                ConnectionReport(
                    active: active,
                    accepted: self.shared.connections.acceptedConnections,
                    refused: self.shared.connections.refusedConnections,
                    activeStreams: streams,
                    muxRatio: active == 0 ? 0 : Double(streams) / Double(active),
                    omitted: all - shown.count,
                    connections: shown
                )
            )
        }
    }

    /// Asks every loop and answers on this one.
    private func report<Rows: Sendable>(
        _ head: RequestHead,
        on stream: ServerStream,
        rows: @escaping @Sendable (Shard) -> Rows,
        _ response: @escaping ([Rows]) -> Response
    ) {
        guard head.method == .GET || head.method == .HEAD else {
            return stream.respond(self.readable(head, .text("")))
        }
        let parts = self.directory.shards.map { shard in shard.eventLoop.submit { rows(shard.value) } }
        EventLoopFuture.whenAllSucceed(parts, on: self.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let rows): stream.respond(response(rows))
            case .failure:
                stream.respond(.problem(.serviceUnavailable, detail: "The origin is ending; there is no answer."))
            }
        }
    }

    private static func rowLimit(_ head: RequestHead) -> Int {
        min(self.maximumRows, max(0, Query(head.query).first("limit").flatMap { Int($0) } ?? self.defaultRows))
    }

    private func streamRows(limit: Int) -> [StreamRow] {
        let now = Clock.monotonic()
        return self.streams.range.lazy.filter { self.streams.holds($0) }.prefix(limit).map {
            StreamRow(self.streams[Int32($0)].pointee, now: now)
        }
    }

    private func connectionRows(limit: Int) -> (rows: [ConnectionRow], all: Int) {
        let now = Clock.monotonic()
        var rows: [ConnectionRow] = []
        self.server?.forEachConnection { connection, sample in
            guard rows.count < limit else { return }
            rows.append(ConnectionRow(connection, sample: sample(), now: now))
        }
        return (rows, self.server?.connectionCount ?? 0)
    }
}

extension StreamRow {
    fileprivate init(_ stream: StreamState, now: Int64) {
        let record = stream.record
        self.init(
            id: record.id,
            channel: record.channelText,
            peer: record.client,
            connectionPeer: record.connection.peerAddress,
            protocol: record.applicationProtocol.rawValue,
            path: record.path,
            connection: record.connection.id.rawValue,
            request: record.requestNumber,
            ageSeconds: Milliseconds(now - record.openedAt).seconds,
            idleSeconds: Milliseconds(now - stream.lastWriteAt).seconds,
            events: stream.eventCount,
            bytes: stream.byteCount,
            heartbeats: record.heartbeatCount,
            backlogBytes: stream.backlogBytes,
            blockedSeconds: stream.blockedSince == 0 ? nil : Milliseconds(now - stream.blockedSince).seconds,
            resume: record.resumeOutcome?.rawValue,
            traceId: record.traceID.hex
        )
    }

    fileprivate init(_ judged: JudgedStream) {
        let evidence = judged.stream.evidence
        self.init(
            id: judged.stream.id,
            channel: judged.stream.channel,
            peer: judged.stream.client,
            connectionPeer: evidence.peer,
            protocol: judged.stream.applicationProtocol.rawValue,
            path: judged.stream.path,
            connection: evidence.connection,
            request: judged.stream.requestNumber,
            ageSeconds: Milliseconds(evidence.ageNanoseconds).seconds,
            idleSeconds: Milliseconds(evidence.idleNanoseconds).seconds,
            events: evidence.events,
            bytes: evidence.bytes,
            reason: judged.verdict.reason.rawValue,
            confidence: judged.verdict.confidence.rawValue,
            evidence: judged.verdict.evidenceText,
            traceId: judged.stream.traceID.hex
        )
    }
}

extension ConnectionRow {
    fileprivate init(_ connection: Connection, sample: ConnectionSample, now: Int64) {
        self.init(
            id: connection.id.rawValue,
            listener: connection.listener,
            peer: connection.peerAddress,
            protocol: connection.applicationProtocol.rawValue,
            ageSeconds: Milliseconds(now - connection.acceptedAt).seconds,
            requests: connection.requestCount,
            streams: connection.activeStreams,
            peakStreams: connection.peakStreams,
            unacknowledgedBytes: sample.socket?.unacknowledgedBytes,
            unsentBytes: sample.socket?.unsentBytes,
            roundTripMicroseconds: sample.socket?.roundTripMicroseconds,
            alpn: connection.tls?.applicationProtocol,
            tlsVersion: connection.tls.map { "\($0.version)" },
            tlsCipher: connection.tls?.cipher,
            http2: sample.http2.map { HTTP2Row($0, goawayReceived: connection.goAwayReceived?.description) }
        )
    }
}

extension HTTP2Row {
    fileprivate init(_ sample: HTTP2ConnectionSample, goawayReceived: String?) {
        let counters = sample.counters
        self.init(
            goawayReceived: goawayReceived,
            connectionWindow: sample.connectionWindow,
            pendingBytes: sample.pendingBytes,
            refusedStreams: counters.refusedStreams,
            resetsReceived: counters.resetsReceived,
            streamStalls: UInt64(counters.streamStalls.count),
            streamStallSeconds: Milliseconds(counters.streamStalls.nanoseconds).seconds,
            connectionStalls: UInt64(counters.connectionStalls.count),
            connectionStallSeconds: Milliseconds(counters.connectionStalls.nanoseconds).seconds
        )
    }
}
