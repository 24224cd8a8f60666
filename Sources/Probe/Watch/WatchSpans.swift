// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

import Telemetry
import Transport

/// Every span and attribute of the canary; docs/probe-watch.md says what they mean. The stream's context goes to the
/// origin as `traceparent`, so that the origin's spans of this very stream hang below ours: one trace from publish to
/// arrival.
enum WatchSpan: String, CaseIterable {
    /// The stream from its request to its end, or to the end of the session.
    case stream = "sse.probe.stream"
    /// The steps to the response head; a child of the stream, and there as soon as it is open.
    case open = "sse.probe.open"
    /// One event from its publish, or its first byte where that is unknown, to its last byte.
    case receive = "sse.probe.receive"
}

enum WatchKey {
    static let path: AttributeKey = "sse.path"
    static let url: AttributeKey = "url.full"
    static let status: AttributeKey = "http.response.status_code"
    static let version: AttributeKey = "network.protocol.version"
    static let originConnection: AttributeKey = "sse.connection.id"
    static let originRequest: AttributeKey = "sse.connection.request_number"
    static let originStream: AttributeKey = "sse.stream.id"
    static let events: AttributeKey = "sse.events"
    static let bytes: AttributeKey = "sse.bytes"
    static let heartbeats: AttributeKey = "sse.heartbeats"
    static let ending: AttributeKey = "sse.probe.ending"
    static let eventID: AttributeKey = "sse.event.id"
    static let eventBytes: AttributeKey = "sse.event.bytes"
    static let eventLag: AttributeKey = "sse.event.lag"

    static let all = [
        path, url, status, version, originConnection, originRequest, originStream, events, bytes, heartbeats, ending,
        eventID, eventBytes, eventLag,
    ]
}

/// Makes the spans of one stream. Belongs to the sink of its path.
struct StreamSpans: Sendable {
    private let tracer: Tracer
    private var stream: OpenSpan
    private var hasOpened = false
    /// What to add to our monotonic time to get our Unix time, fixed at the start so that spans keep their order.
    private let toUnix: Int64
    /// Receive spans a second; the rest are only counted, in the stream's span.
    private static let rate: Int64 = 20
    private var second: Int64 = 0
    private var spent: Int64 = 0

    init(tracer: Tracer, path: ProbePath) {
        self.tracer = tracer
        toUnix = Clock.unix() - Clock.monotonic()
        stream = tracer.start(
            WatchSpan.stream.rawValue, kind: .client, at: Clock.monotonic() + toUnix,
            attributes: [Attribute(WatchKey.path, path.name), Attribute(WatchKey.url, "\(path.target)")])
    }

    var traceparent: String { Traceparent.text(stream.context) }

    mutating func opened(_ record: StreamRecord) {
        guard !hasOpened, let status = record.status else { return }
        hasOpened = true
        stream.set(WatchKey.status, status)
        if let version = record.connection?.applicationProtocol {
            stream.set(WatchKey.version, version == .http2 ? "2" : version == .http11 ? "1.1" : "1.0")
        }
        if let origin = OriginConnection(record.headers) {
            stream.set(WatchKey.originConnection, origin.id)
            stream.set(WatchKey.originRequest, origin.request)
        }
        if let id = record.headers.first(name: "x-sse-stream") { stream.set(WatchKey.originStream, id) }
        guard stream.isRecording else { return }
        var open = tracer.start(
            WatchSpan.open.rawValue, kind: .internal, parent: stream.context, at: record.started + toUnix)
        let phases = record.phases
        let steps: [(String, Int64?)] = [
            ("dns", phases.connection?.resolved), ("connect", phases.connection?.connected),
            ("tls", phases.connection?.secured), ("settings", phases.connection?.settingsReceived),
            ("request written", phases.requestWritten),
        ]
        for case (let name, let time?) in steps { open.addEvent(name, at: time + toUnix) }
        tracer.end(open, at: (phases.headReceived ?? record.started) + toUnix)
    }

    /// - Parameter lag: nanoseconds from publish to arrival, if known.
    mutating func received(_ sample: EventSample, lag: Int64?) {
        guard stream.isRecording else { return }
        if sample.lastByte / 1_000_000_000 != second {
            second = sample.lastByte / 1_000_000_000
            spent = 0
        }
        guard spent < Self.rate else { return }
        spent += 1
        let start = lag.map { sample.lastByte - max($0, 0) } ?? sample.firstByte
        var span = tracer.start(
            WatchSpan.receive.rawValue, kind: .consumer, parent: stream.context, at: start + toUnix)
        if let id = sample.id { span.set(WatchKey.eventID, id) }
        span.set(WatchKey.eventBytes, sample.bytes)
        if let lag { span.set(WatchKey.eventLag, .double(lag.seconds)) }
        tracer.end(span, at: sample.lastByte + toUnix)
    }

    mutating func ended(_ record: StreamRecord) {
        stream.set(WatchKey.events, record.events)
        stream.set(WatchKey.bytes, record.bytes)
        stream.set(WatchKey.heartbeats, record.comments)
        stream.set(WatchKey.ending, WatchMetrics.Outcome(record.ending).rawValue)
        if record.isFailure, let ending = record.ending { stream.setStatus(.error("\(ending)")) }
        tracer.end(stream, at: (record.ended ?? Clock.monotonic()) + toUnix)
    }
}
