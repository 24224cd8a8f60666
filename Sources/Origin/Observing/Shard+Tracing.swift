// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The spans of streams and connections, from the loop's side. Ended spans wait in the loop's buffer and are handed over
// in chunks; what becomes of them later never reaches back here.

import NIOCore
import NIOHTTP1
import Telemetry
import Transport

extension Shard {
    /// Unix nanoseconds of a monotonic time of this process.
    func unix(_ monotonic: Int64) -> Int64 { monotonic + self.unixOffset }

    /// Ten times a second: takes over a step of the system's clock. Anything less is left alone, so that the spans of a
    /// trace keep their order, and a reading that something came between is not believed.
    func followClock() {
        let before = Clock.monotonic()
        let unix = Clock.unix()
        let after = Clock.monotonic()
        let offset = unix - (before + (after - before) / 2)
        guard after - before < 50_000, abs(offset - self.unixOffset) > 1_000_000 else { return }
        self.unixOffset = offset
    }

    /// What the request's sender was doing when it sent it; `nil` starts a new trace.
    func remoteParent(of head: RequestHead) -> SpanContext? {
        self.shared.tracer.propagation.extract(
            traceparent: head.headers["traceparent"], tracestate: head.headers["tracestate"])
    }

    // MARK: Opening

    /// The establishment of a stream. Its context goes to the client, sampled or not.
    func startServerSpan(_ head: RequestHead, record: StreamRecord, on stream: ServerStream) -> OpenSpan {
        let route = self.routes.find(head.path).template
        let name = head.method == .GET ? self.routes.spanName : "\(head.methodLabel) \(route)"
        var span = self.spans.start(
            name, kind: .server, parent: self.remoteParent(of: head),
            at: self.unix(head.receivedAt))
        guard span.isRecording else { return span }
        span.set(self.requestAttributes(head, route: route, client: record.client))
        span.set(SpanKey.status, 200)
        span.set(self.streamAttributes(record))
        if let id = stream.http2StreamID { span.set(SpanKey.http2StreamID, Int(id)) }
        if let outcome = record.resumeOutcome { span.set(SpanKey.resumeOutcome, outcome.rawValue) }
        return span
    }

    private func requestAttributes(_ head: RequestHead, route: String, client: String) -> [Attribute] {
        let connection = head.connection
        var attributes = [
            Attribute(SpanKey.method, head.methodLabel),
            Attribute(SpanKey.route, route),
            Attribute(SpanKey.urlPath, head.path),
            Attribute(SpanKey.urlScheme, connection.tls == nil ? "http" : "https"),
            Attribute(SpanKey.protocolName, "http"),
            Attribute(SpanKey.protocolVersion, head.applicationProtocol.versionLabel),
            Attribute(SpanKey.peerAddress, connection.peerAddress),
            Attribute(SpanKey.clientAddress, client),
        ]
        if let query = head.query { attributes.append(Attribute(SpanKey.urlQuery, query)) }
        if let host = head.headers.first(name: "host") {
            attributes.append(Attribute(SpanKey.serverAddress, Self.withoutPort(host)))
        }
        if let agent = head.headers.first(name: "user-agent") {
            attributes.append(Attribute(SpanKey.userAgent, agent))
        }
        return attributes
    }

    /// The host of `host:port`, where an IPv6 address stands in brackets (RFC 9110, section 7.2).
    private static func withoutPort(_ host: String) -> String {
        guard let colon = host.lastIndex(of: ":"), host[colon...].dropFirst().allSatisfy(\.isNumber) else {
            return host
        }
        return String(host[..<colon])
    }

    private func streamAttributes(_ record: StreamRecord) -> [Attribute] {
        [
            Attribute(SpanKey.streamID, record.id),
            Attribute(SpanKey.connectionID, Int(record.connection.id.rawValue)),
            Attribute(SpanKey.requestNumber, Int(record.requestNumber)),
            Attribute(SpanKey.path, record.path),
            Attribute(SpanKey.channel, record.channelText),
        ]
    }

    /// The stream is open: its root is exported now, its life begins.
    /// - Returns: the place of its trace, if it is sampled.
    func startStreamTrace(_ record: StreamRecord, server: OpenSpan, channel: Channel, now: Int64) -> Int32? {
        guard server.isRecording else { return nil }
        self.spans.end(server, at: self.unix(now), monotonic: now)
        let life = self.spans.start(
            SpanName.stream.rawValue, parent: server.context, at: self.unix(now),
            attributes: self.streamAttributes(record)
        )
        self.connectionTraces[record.connection.id.rawValue, default: ConnectionTrace()].add(life.context)
        let trace = StreamTrace(span: life, streamID: record.id)
        guard let template = self.eventTemplate(of: trace, in: channel) else { return nil }
        return self.traces.add(
            trace, EventTrace(template, of: ObjectIdentifier(channel), over: record.applicationProtocol, now: now))
    }

    /// A stream that could not be had.
    func traceRefusal(_ head: RequestHead, status: HTTPResponseStatus) {
        let route = self.routes.find(head.path)
        guard route.opensStreams, head.method == .GET, head.connection.listener == ListenerName.open else { return }
        let now = Clock.monotonic()
        var span = self.spans.start(
            "\(head.methodLabel) \(route.template)", kind: .server, parent: self.remoteParent(of: head),
            at: self.unix(head.receivedAt))
        guard span.isRecording else { return }
        span.set(self.requestAttributes(head, route: route.template, client: head.connection.peerAddress))
        span.set(SpanKey.status, Int(status.code))
        // Conventions for HTTP servers: only 5xx is an error of ours.
        if status.code >= 500 { span.setStatus(.error("")) }
        self.spans.end(span, at: self.unix(now), monotonic: now)
    }

    // MARK: Living

    /// Once a second: tells of an open stream every minute, and goes on in a next trace when this one is long.
    func continueTrace(_ stream: UnsafeMutablePointer<StreamState>, now: Int64) {
        let place = Int(stream.pointee.tracePlace)
        if now - self.traces.events[place].segmentBegan >= self.shared.segmentNanoseconds {
            self.endSegment(stream.pointee, now: now)
        }
        if self.traces.events[place].isPartOver(now: now) { self.rollTrace(stream.pointee, now: now) }
    }

    func endSegment(_ stream: StreamState, now: Int64) {
        let record = stream.record
        guard stream.isTraced, var trace = self.traces[stream.tracePlace] else { return }
        let (began, maximumLag) = self.traces.events[Int(stream.tracePlace)].nextSegment(now: now)
        let segment = trace.nextSegment(
            .init(events: stream.eventCount, bytes: stream.byteCount, heartbeats: record.heartbeatCount))
        var span = self.spans.start(
            SpanName.segment.rawValue, parent: trace.context, at: self.unix(began),
            attributes: [
                Attribute(SpanKey.streamID, record.id),
                Attribute(SpanKey.part, trace.part),
                Attribute(SpanKey.events, Int(segment.events)),
                Attribute(SpanKey.bytes, Int(segment.bytes)),
                Attribute(SpanKey.heartbeats, Int(segment.heartbeats)),
                Attribute(SpanKey.maximumLag, maximumLag.seconds),
                Attribute(SpanKey.backlogBytes, stream.backlogBytes),
            ])
        if stream.blockedSince != 0 { span.set(SpanKey.idle, .double((now - stream.lastWriteAt).seconds)) }
        self.spans.end(span, at: self.unix(now), monotonic: now)
        self.traces.events[Int(stream.tracePlace)].noteSpan()
        self.traces[stream.tracePlace] = trace
    }

    private func rollTrace(_ stream: StreamState, now: Int64) {
        guard var trace = self.traces[stream.tracePlace] else { return }
        let record = stream.record
        let before = trace.context
        let time = self.unix(now)
        var root = self.spans.startContinuation(
            SpanName.continued.rawValue, at: time,
            attributes: [Attribute(SpanKey.streamID, record.id), Attribute(SpanKey.part, trace.part + 1)])
        root.addLink(before)
        self.spans.end(root, at: time, monotonic: now)
        var life = self.spans.start(
            SpanName.stream.rawValue, parent: root.context, at: time, attributes: self.streamAttributes(record))
        life.set(SpanKey.part, trace.part + 1)
        var over = trace.roll(to: life)
        over.set(SpanKey.isContinued, .bool(true))
        self.spans.end(over, at: time, monotonic: now)
        self.traces[stream.tracePlace] = trace
        guard let template = self.eventTemplate(of: trace, in: stream.channel) else { return }
        self.traces.events[Int(stream.tracePlace)]
            .nextPart(template, of: ObjectIdentifier(stream.channel), now: now)
    }

    // MARK: Ending

    /// - Returns: what its last span will say, if it is sampled.
    func endStreamTrace(_ stream: StreamState, now: Int64) -> ClosedTrace? {
        guard stream.isTraced, let trace = self.traces[stream.tracePlace] else { return nil }
        let maximumLag = self.traces.events[Int(stream.tracePlace)].maximumLag
        // Its last events may not be recorded yet.
        self.traced.end(stream.tracePlace)
        self.freeEndedTraces()
        return ClosedTrace(span: trace.span, endedAt: self.unix(now), maximumLag: maximumLag)
    }

    /// Their places go to other streams.
    func freeEndedTraces() {
        for place in self.traced.takeEnded() { self.traces.remove(at: place) }
    }

    func traceConnectionEnd(_ connection: Connection) {
        guard let trace = self.connectionTraces.removeValue(forKey: connection.id.rawValue) else { return }
        let now = Clock.monotonic()
        var span = self.spans.startContinuation(
            SpanName.connection.rawValue, at: self.unix(connection.acceptedAt),
            attributes: [
                Attribute(SpanKey.connectionID, Int(connection.id.rawValue)),
                Attribute(SpanKey.peerAddress, connection.peerAddress),
                Attribute(SpanKey.protocolName, "http"),
                Attribute(SpanKey.protocolVersion, connection.applicationProtocol.versionLabel),
                Attribute(SpanKey.requests, Int(connection.requestCount)),
                Attribute(SpanKey.peakStreams, connection.peakStreams),
                Attribute(SpanKey.bytes, Int(trace.bytes)),
                Attribute(SpanKey.connectionEnd, (connection.end ?? .peer).rawValue),
            ])
        if let tls = connection.tls {
            span.set(SpanKey.tlsVersion, "\(tls.version)")
            span.set(SpanKey.tlsCipher, tls.cipher)
            if let alpn = tls.applicationProtocol { span.set(SpanKey.alpn, alpn) }
        }
        for stream in trace.streams { span.addLink(stream) }
        span.noteDroppedLinks(trace.omitted)
        self.spans.end(span, at: self.unix(now), monotonic: now)
    }
}
